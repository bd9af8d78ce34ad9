"""Whether weights have learned from the clips that they, or the student, are judged by."""

import logging
import os
from collections.abc import Iterable, Mapping

from mmengine.dist import is_main_process
from mmengine.logging import print_log

from ..datasets.learned import training_samples
from ..datasets.samples import Sample, samples_of
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
        learned = _by_place(training_samples(text))
        if learned and judged is None:
            judged = _by_place(samples_of(dataset))
        if both := [file for place, file in (judged or {}).items() if place in learned]:
            message = (
                f'{key} has learned from {len(both)} of the {len(judged)} samples of {where}: {listed(both)}. It knows '
                'them by heart, and accuracies there are too high: training and test must be of one split'
            )
            print_log(message, logger='current', level=logging.WARNING)


def tell_of_shared(train: object, dataset: object, where: str) -> None:
    """Warns of training clips that judge, too: where the list of one split of HMDB51 was changed, say, and not both.

    Compared as above.

    Args:
        train: The training data, in their wrappers.
        dataset: A data set that judges, without wrappers.
        where: Its place, for messages.
    """
    if not is_main_process():  # it looks at each sample
        return
    judged = _by_place(samples_of(dataset))
    learned = _by_place(samples_of(train)) if judged else {}
    if both := [file for place, file in judged.items() if place in learned]:
        message = (
            f'{len(both)} of the {len(judged)} samples of {where} are in the training data, too: {listed(both)}. What '
            'was learned by heart counts as right there: training and validation must be of one split'
        )
        print_log(message, logger='current', level=logging.WARNING)


def _by_place(samples: Iterable[Sample]) -> dict[tuple[str, tuple | None], str]:
    """The files of samples by where they lie, and by the part of them that a sample is."""
    return {(os.path.abspath(one.file), one.cut): one.file for one in samples if one.file}
