# What CA-MKD, first in grid_rivals.py, has that the full method has not: hints of features, a sum of probabilities in
# place of logits, and labels that weigh the teachers; and logits standardised in the loss, for teachers that are too
# sure; and a weight of SDD at which it pulls as hard as the labels. Annotations and teachers come first, see there.
_base_ = 'grid_rivals.py'
title = 'GRID words, a tenth of the labels: parts of CA-MKD, and softer targets, beside DATW and the full method.'
against = 'CA-MKD weights alone'
tenth = {**_base_.shares['labels-10'], **_base_.lengths['120 epochs']}
splits = {'_delete_': True, '10 % of the labels': dict(name='labels-10', options=tenth)}
dualkd = _base_.dualkd
hints = {'features.type': 'FusedFeatures', 'features.weight': 50.0}  # the authors' weight


def row(name, terms, **options):
    """The pair with a fragment of configs/_base_/terms, some settings of its terms changed."""
    changed = {f'model.terms.{key}': value for key, value in options.items()}
    return dict(name=name, config=dualkd, options={'terms': terms, **changed})


camkd = {'kd.weighting.type': 'CAMKD', 'kd.fuse': 'probabilities'}
rows = [
    row('CA-MKD weights alone', 'uniform', **camkd),
    row('DATW of probabilities', 'datw', **{'kd.fuse': 'probabilities'}),
    row('DATW and hints', 'datw', **hints),
    row('Full method of probabilities', 'full', **{'kd.fuse': 'probabilities'}),
    row('Full method and hints', 'full', **hints),
    row('Full method, SDD at 30', 'full', **{'sdd.weight': 30.0}),
    row('DATW of standardised logits', 'datw', **{'kd.standardise_logits': True}),
    row('Full method at temperature 8', 'full', **{'kd.tau': 8.0}),
    row('Full method of standardised logits', 'full', **{'kd.standardise_logits': True}),
]
for one in rows:  # more seeds for those that lead, as in grid_rivals.py
    if one['name'] in ('DATW and hints', 'Full method and hints'):
        one['seeds'] = [0, 1, 2, 3, 4]
