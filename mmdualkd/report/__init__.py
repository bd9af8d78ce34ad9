"""One HTML page of a training, of a run of ``mmdualkd distill`` or of a study, that opens without a network.

(:mod:`mmdualkd.workflow.report` is another thing: the short Markdown text that ``mmdualkd distill`` ends with.)
"""
