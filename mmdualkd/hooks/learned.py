"""Whether weights have learned from the clips that they, or the student, are judged by."""

import logging
import os
from collections.abc import Iterator, Mapping

from mmengine.dist import is_main_process
from mmengine.logging import print_log

from ..datasets.learned import training_samples
from ..datasets.samples import cut_of
from ..datasets.wrappers import plain_datasets
from ..errors import listed
from ..names import FILES


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
            judged = dict(_places(dataset))
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
    judged = dict(_places(dataset))
    learned = {place for place, _ in _places(train) if place in judged} if judged else set()
    if both := [file for place, file in judged.items() if place in learned]:
        message = (
            f'{len(both)} of the {len(judged)} samples of {where} are in the training data, too: {listed(both)}. What '
            'was learned by heart counts as right there: training and validation must be of one split'
        )
        print_log(message, logger='current', level=logging.WARNING)


def _places(dataset: object) -> Iterator[tuple[tuple[str, tuple | None], str]]:
    """Where each sample's file lies and which part of it the sample is, and the file as the data set names it.

    Args:
        dataset: A data set, in its wrappers.
    """
    for part in plain_datasets(dataset):
        for index in range(len(part)):
            info = part.get_data_info(index)
            file = str(next((info[key] for key in FILES if info.get(key)), ''))
            if file and '://' not in file:
                yield (os.path.abspath(file), cut_of(info)), file
