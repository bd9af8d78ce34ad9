"""Annotation files of lines ``<file> <label>``, and ``classes.txt`` beside them."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.fileio import exists, list_from_file
from mmengine.logging import print_log

from ..errors import DataError
from .labels import UNLABELLED, counted_from_one
from .reading import file_meant

PROBES = 20


@dataclass
class Line:
    """A line of an annotation file: where it stands (for errors), the file that it names, and its labels."""

    where: str
    name: str
    labels: list[int]


def read_annotations(
    path: str, delimiter: str = ' ', several: bool = False, test_mode: bool = False, folder: str | None = None
) -> list[Line]:
    """Reads an annotation file; blank lines are passed over.

    A name may have the delimiter in it where each line has one label: that is what follows the last one. The label -1,
    or nothing behind a delimiter that is no space, says that there is none.

    Args:
        path: A text file in UTF-8.
        delimiter: What stands between a file and its label.
        several: Whether a line may have several labels; names have no delimiter in them then.
        test_mode: Whether the list is of a test: a line may be a file alone, and none may have the label -1.
        folder: The folder that names start from.

    Raises:
        DataError: If there is no such file, it is no text or empty, or a line is malformed.
    """
    return [_parse(where, text, delimiter, several, test_mode, folder) for where, text in read_lines(path)]


def read_lines(path: str) -> list[tuple[str, str]]:
    """The lines of an annotation file but blank ones, each with where it stands, for errors.

    Raises:
        DataError: If there is no such file, it is no text, or empty.
    """
    key = f'dataset.ann_file={str(path)!r}'
    if not exists(path):
        raise DataError(f'{key}: there is no such file')
    try:
        lines = list_from_file(path, encoding='utf-8-sig')
    except (OSError, UnicodeError) as error:
        raise DataError(f'{key} cannot be read as a text file in UTF-8: {error}') from error
    found = [(number, text.strip()) for number, text in enumerate(lines, 1) if text.strip()]
    if not found:
        raise DataError(f'{key} is empty')
    return [(f'{path}, line {number} ({text!r})', text) for number, text in found]


def _parse(where: str, text: str, delimiter: str, several: bool, test_mode: bool, folder: str | None) -> Line:
    name, *labels = text.split(delimiter) if several else text.rsplit(delimiter, 1)
    if labels == ['']:
        labels = [UNLABELLED]
    try:
        labels = [int(label) for label in labels]
    except ValueError:
        labels = None
    if labels is None or not name.strip() or not (labels or several or test_mode):
        wanted = '<file> <label> [<label> ...]' if several else '<file> <label>'
        hint = f' (for file names with {delimiter!r} in them set another dataset.delimiter)' if several else ''
        raise DataError(f'{where}: a line must be {wanted.replace(" ", delimiter)!r}, labels whole numbers{hint}')
    check_signs(labels, where, test_mode)
    name = name.strip()
    if not several and name.rpartition(delimiter)[2].isdecimal() and not exists(file_meant(file_of(name, folder))):
        raise DataError(f'{where}: several labels need dataset.multi_class=True, and there is no file {name!r}')
    return Line(where, name, labels)


def check_signs(labels: Sequence[int], where: str, test_mode: bool) -> None:
    """Refuses negative labels, but -1 alone in training data.

    Raises:
        DataError: Names the line.
    """
    for label in labels:
        if label < UNLABELLED or (label == UNLABELLED and len(labels) > 1):
            raise DataError(f'{where}: label {label} is negative')
    if UNLABELLED in labels and test_mode:
        raise DataError(f'{where}: label -1 means no label, which only training data may be without')


def check_range(lines: Sequence[Line], num_classes: int | None) -> set[int]:
    """Gives all labels of a list.

    Args:
        lines: The list.
        num_classes: Labels must be below it; None sets no bound.

    Raises:
        DataError: Names the first line with another label.
    """
    labels = {label for line in lines for label in line.labels}
    for line in lines if num_classes is not None else ():
        for label in line.labels:
            if label >= num_classes:
                hint = counted_from_one(labels, num_classes)
                raise DataError(f'{line.where}: label {label}, but dataset.num_classes={num_classes}{hint}')
    return labels


def file_of(name: str, folder: str | None) -> str:
    """The file that a line names: from a folder or an address, or as it stands."""
    return str(Path(folder) / name) if folder and '://' not in folder else f'{folder or ""}{name}'


def check_files(files: Sequence[str], ann_file: str, prefix: Mapping[str, str], noun: str) -> None:
    """Refuses a list of which none of 20 files, spread over it, is there; tells of it where some are not.

    Args:
        files: All files.
        ann_file: The list, for errors.
        prefix: The data set's ``data_prefix``, for errors.
        noun: What the files are, for errors.
    """
    probes = files[:: max(len(files) // PROBES, 1)]
    absent = [file for file in probes if not exists(file)]
    if len(absent) == len(probes):
        raise DataError(
            f'none of {len(probes)} {noun} of {ann_file} is there: dataset.data_prefix={dict(prefix)}, '
            f'the first one is {files[0]}'
        )
    if absent:
        message = (
            f'{len(absent)} of {len(probes)} {noun} of {ann_file} that were looked for are not there, such as '
            f'{absent[0]}: a run in which too many of all are missing ends after its first epoch (CorruptVideoHook), '
            'and mmdualkd check looks for all'
        )
        print_log(message, logger='current', level=logging.WARNING)


def names_beside(ann_file: str, labels: Collection[int], num_classes: int | None = None) -> list[str]:
    """The names of the classes in ``classes.txt`` beside an annotation file, one a line.

    Args:
        ann_file: The annotation file.
        labels: Its labels.
        num_classes: How many names there must be; None takes any number that has one for each label.

    Returns:
        The names in order of their labels; none where there is no such file, or it is of other classes.
    """
    file = Path(ann_file).with_name('classes.txt')
    if not file.is_file():
        return []
    names = [line.strip() for line in list_from_file(file, encoding='utf-8-sig') if line.strip()]
    if max(labels, default=-1) < len(names) and num_classes in (None, len(names)):
        return names
    message = f'{file} is left alone: it names {len(names)} classes, which are not those of {ann_file}'
    print_log(message, logger='current', level=logging.WARNING)
    return []
