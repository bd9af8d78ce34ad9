"""Whether teachers have learned from the clips that judge the student."""

import logging
import os
from collections.abc import Mapping

from mmengine.logging import print_log
from torch import nn

from ..errors import listed


def tell_of_learned(teachers: Mapping[str, nn.Module], dataset: object, where: str) -> None:
    """Warns of teachers whose training lists name clips of a validation: those of another split of HMDB51, for one.

    Known of checkpoints that say which list they learned from, where that is still there. Files are compared by their
    paths; ``mmdualkd check`` also looks at where links lead, and at what is in the files.

    Args:
        teachers: The teachers by name; their ``_trained_with`` is the config in their checkpoints.
        dataset: A data set of the validation, without wrappers.
        where: Its place, for messages.
    """
    from ..checks.learned import training_samples  # the checks build what the hooks are a part of
    from ..checks.samples import samples_of

    judged = None
    for name, teacher in teachers.items():
        text = getattr(teacher, '_trained_with', None)
        learned = {(os.path.abspath(one.file), one.cut) for one in training_samples(dict(meta=dict(cfg=text)))}
        if learned and judged is None:
            judged = {(os.path.abspath(one.file), one.cut): one.file for one in samples_of(dataset) if one.file}
        if both := [file for key, file in (judged or {}).items() if key in learned]:
            message = (
                f'model.teachers.{name} has learned from {len(both)} of the {len(judged)} samples of {where}: '
                f'{listed(both)}. What it knows by heart of them it hands on, and accuracies there are too high: take '
                'weights that were trained on the clips of this split'
            )
            print_log(message, logger='current', level=logging.WARNING)
