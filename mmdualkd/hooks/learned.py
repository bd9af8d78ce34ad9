"""Whether weights have learned from the clips that they, or the student, are judged by."""

import logging
import os
from collections.abc import Mapping

from mmengine.logging import print_log

from ..datasets.learned import training_samples
from ..datasets.samples import samples_of
from ..errors import listed


def tell_of_learned(configs: Mapping[str, str | None], dataset: object, where: str) -> None:
    """Warns of weights whose training lists name clips of a validation or test: those of another split of HMDB51, say.

    Known of checkpoints that say which list they learned from, where that is still there. Files are compared by their
    paths; ``mmdualkd check`` also looks at where links lead, and at what is in the files.

    Args:
        configs: What :func:`~mmdualkd.checkpoint.trained_with` gives, by key (``model.teachers.vit``).
        dataset: A data set that judges, without wrappers.
        where: Its place, for messages.
    """
    judged = None
    for key, text in configs.items():
        learned = {(os.path.abspath(one.file), one.cut) for one in training_samples(text)}
        if learned and judged is None:
            judged = {(os.path.abspath(one.file), one.cut): one.file for one in samples_of(dataset) if one.file}
        if both := [file for place, file in (judged or {}).items() if place in learned]:
            message = (
                f'{key} has learned from {len(both)} of the {len(judged)} samples of {where}: {listed(both)}. It knows '
                'them by heart, and accuracies there are too high: training and test must be of one split'
            )
            print_log(message, logger='current', level=logging.WARNING)
