"""Whether labels mean the same classes to data sets, teachers and checkpoints."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import print_log
from torch import nn

from ..datasets.wrappers import class_names
from ..errors import DataError
from ..names import FILES, LABELS


def check_class_names(dataset: object, where: str, named: tuple[str, list] | None) -> tuple[str, list] | None:
    """Refuses a data set whose classes are not those of an earlier one, for its labels mean something else.

    Args:
        dataset: The data set; without class names nothing is checked.
        where: Its place, for errors.
        named: Place and class names of the first data set that has names; None if there was none yet.

    Returns:
        ``named``, or this data set's.
    """
    names = class_names(dataset)
    if not names or named is None:
        return (where, names) if names else named
    if names != named[1]:
        other = sorted({*names} ^ {*named[1]})
        what = f'only one of them has {", ".join(map(repr, other[:5]))}' if other else 'in another order'
        raise DataError(
            f'{where} has {len(names)} classes, {named[0]} has {len(named[1])}, and they differ: {what}. Their labels '
            'would not mean the same; give both one list of classes (metainfo=dict(classes=[...]))'
        )
    return named


def check_class_folders(dataset: object, where: str, known: dict[str, tuple[int, str]]) -> None:
    """Refuses a data set whose folders, one a class, have other labels than in an earlier one, or by their names.

    Args:
        dataset: The data set; nothing is checked unless each of its folders has one label, and each label one folder.
        where: Its place, for errors.
        known: The label of each folder of earlier data sets, and where it has it; those of this one are added.
    """
    folders = class_folders(dataset)
    names = class_names(dataset)
    named = {name: (label, 'the names of its classes') for label, name in enumerate(names) if names.count(name) == 1}
    for before in (named, known):
        numbers = {label for label, _ in before.values()}  # other ones are of other classes, whose folders share a name
        theirs = {folder: label for folder, label in folders.items() if label in numbers}
        if other := [folder for folder, label in theirs.items() if before.get(folder, (label,))[0] != label]:
            label, place = before[other[0]]
            raise DataError(
                f'{where}: files in a folder {other[0]!r} have the label {folders[other[0]]}, by {place} it is '
                f'{label}; so of {len(other)} of the {len(folders)} folders, one a class. Number the classes alike'
            )
    known.update({folder: (label, where) for folder, label in folders.items()})


def class_folders(dataset: object) -> dict[str, int]:
    """The label of each folder that samples lie in, where each has one and no two the same; else none."""
    labels: dict[str, int] = {}
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        file = next((info[key] for key in FILES if info.get(key)), None)
        label = next((info[key] for key in LABELS if key in info), None)
        if file is None or label is None or np.ndim(label):
            return {}
        if label >= 0 and labels.setdefault(Path(file).parent.name, int(label)) != label:
            return {}
    return labels if len(set(labels.values())) == len(labels) > 1 else {}


def check_teacher_classes(teachers: Mapping[str, nn.Module], named: tuple[str, list] | None) -> None:
    """Refuses a teacher that knows the data's classes in another order; says so where names cannot tell.

    Args:
        teachers: The teachers by name; their ``_dataset_meta`` is what their checkpoints say of their data.
        named: Place and class names of the training data; None if they have no names.
    """
    unknown = []
    for name, teacher in teachers.items():
        theirs = (getattr(teacher, '_dataset_meta', None) or {}).get('classes') or ()
        if named is None or len(theirs) != len(named[1]):
            unknown.append(name)
            continue
        a, b = _plain(theirs), _plain(named[1])
        other = [index for index in range(len(a)) if a[index] != b[index]]
        moved = [index for index in other if _stands_elsewhere(a[index], a, b)]
        shown = ', '.join(f'class {i} is {theirs[i]!r} there and {named[1][i]!r} here' for i in (moved or other)[:3])
        if moved:
            raise DataError(
                f'model.teachers.{name} was trained on the classes of {named[0]} in another order: {shown}. Number '
                "the labels as in the teacher's data set"
            )
        if other:
            print_log(
                f'model.teachers.{name}: {len(other)} of {len(a)} classes have other names than in {named[0]} '
                f'({shown}); make sure that they mean the same',
                logger='current',
                level=logging.WARNING,
            )
    if unknown:
        print_log(
            f'not checked, for the data or the checkpoint names no classes: whether {", ".join(unknown)} knows the '
            "data's classes in their order",
            logger='current',
        )


def check_tested_classes(checkpoint: str, learned: Sequence[str], dataset: object, where: str) -> None:
    """Refuses to test on data whose labels mean other classes than those that a checkpoint has learned.

    Args:
        checkpoint: The file, for errors.
        learned: The names of its classes; none if it does not say.
        dataset: The data set; without class names nothing is checked.
        where: Its place, for errors.

    Raises:
        DataError: If a class of the data has another number in the checkpoint.
    """
    names = class_names(dataset)
    a, b = _plain(learned), _plain(names)
    moved = [index for index, name in enumerate(b) if a[index : index + 1] != [name] and _stands_elsewhere(name, a, b)]
    if moved:
        shown = ', '.join(
            f'{names[index]!r} is class {index} here and {a.index(b[index])} there' for index in moved[:3]
        )
        raise DataError(
            f'{where} numbers its classes otherwise than the data that checkpoint={checkpoint!r} was trained on: '
            f'{shown}. Right answers would count as wrong; number the labels as there ({len(a)} classes: a list and '
            'classes.txt beside it)'
        )


def _plain(names: Sequence[str]) -> list[str]:
    """Names without what is a matter of spelling."""
    return [str(name).strip().lower().replace('_', ' ') for name in names]


def _stands_elsewhere(name: str, a: list[str], b: list[str]) -> bool:
    """Whether a name that stands at another place in one list than in the other is in both, and once."""
    return a.count(name) == b.count(name) == 1
