"""Whether the labels of a data set are those that a model knows."""

import logging

import numpy as np
from mmengine.logging import print_log
from torch import nn

from ..datasets.labels import counted_from_one, is_unlabelled
from ..datasets.wrappers import class_names
from ..errors import DataError
from ..names import FILES
from ..zoo.weights import classes_of


def check_labels(dataset: object, split: str, where: str, model: nn.Module) -> int:
    """Refuses an empty data set, another number of classes, and labels that the model cannot learn or be judged by.

    Args:
        dataset: A data set without wrappers.
        split: ``'train'``, ``'val'`` or ``'test'``.
        where: Its place, for errors.
        model: What is trained: a distiller, whose terms can learn from samples without a label, or a model by itself.

    Returns:
        How many training samples have no label.
    """
    if len(dataset) == 0:
        raise DataError(f'{where} is empty')
    classes, declared = classes_of(getattr(model, 'student', model))[1], getattr(dataset, 'num_classes', None)
    if None not in (classes, declared) and declared != classes:
        raise DataError(f'{where} has num_classes={declared}, but the model has {classes}: set model.num_classes')
    names = class_names(dataset)
    if names and classes is not None and len(names) != classes:
        message = (
            f'{where} names {len(names)} classes, and the model has {classes}: whether each name (of classes.txt, for '
            'one) is that of its label is not known, and checkpoints keep them'
        )
        print_log(message, logger='current', level=logging.WARNING)
    seen, wrong, without = set(), None, []
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        file = next((info[key] for key in FILES if info.get(key)), None) or f'sample {index}'
        label = info.get('label', info.get('gt_label'))
        if label is None:
            raise DataError(f'{where}: {file} comes without a label: write a list in which it has one, or -1 for none')
        if is_unlabelled(label):
            without.append(file)
        elif not np.ndim(label):  # of several labels a sample the head says what they can be
            seen.add(int(label))
            if wrong is None and classes is not None and label >= classes:
                wrong = file, label
    if without and not (split == 'train' or dataset.test_mode):  # in a test it counts as wrong, whatever is predicted
        raise DataError(f'{where}: {without[0]} has no label (-1), which only training data may be without')
    if without and split == 'train' and not getattr(model, 'terms', None):
        raise DataError(
            f'{where}: {len(without)} of {len(dataset)} samples have no label (-1), such as {without[0]}, and a '
            f"{type(model).__name__} without terms learns from labels alone: dataset.unlabelled='drop' leaves them out"
        )
    if wrong:
        file, label = wrong
        raise DataError(
            f'{where}: {file} has label {label}, but the model has {classes} classes (0 to {classes - 1})'
            f'{counted_from_one(seen, classes) if getattr(dataset, "ann_file", None) else ""}'  # no folder begins at 1
        )
    if split == 'train' and seen and classes is not None and len(seen) < classes:
        message = f'{where} has clips of {len(seen)} of the {classes} classes that the model has'
        print_log(message, logger='current', level=logging.WARNING)
    if split == 'train' and without:
        message = f'{where}: {len(without)} of {len(dataset)} samples have no label; terms that read labels skip them'
        print_log(message, logger='current')
    if split != 'train' and without:
        message = f'{where}: {len(without)} of {len(dataset)} samples have the label -1 and count as wrong'
        print_log(message, logger='current', level=logging.WARNING)
    return len(without) if split == 'train' else 0
