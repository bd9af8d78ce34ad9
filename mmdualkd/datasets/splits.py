"""From one's own videos or pictures and the names of their classes to annotation files; :mod:`.finding` finds them."""

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

from ..errors import DataError, listed
from ..files import replacing
from .labels import UNLABELLED

NO_LABEL = ('', '-1', '-1.0')  # of a file in a table; pandas writes numbers beside gaps with a point


def classes_by_folder(paths: Sequence[str]) -> dict[str, str]:
    """The class of each path: the name of the folder that it lies in.

    Raises:
        DataError: If one lies in no folder.
    """
    if loose := [path for path in paths if '/' not in path]:
        raise DataError(f'{len(loose)} files lie in no class folder: {listed(loose)}')
    return {path: path.split('/')[-2] for path in paths}


def known_classes(
    paths: Sequence[str], table: Mapping[str, str] | None = None, unlabelled: str | None = None
) -> tuple[dict[str, str], list[str]]:
    """Tells files that have a class from those that have none.

    Args:
        paths: The files.
        table: The class of each, empty or -1 for none; None takes the folders that they lie in.
        unlabelled: A folder, written as the paths are, whose files have no class.

    Returns:
        The class of each path that has one, and the other paths.

    Raises:
        DataError: If a path lies in no folder, or none in ``unlabelled``.
    """
    if table is not None:
        classes = {path: table[path] for path in paths if table[path] not in NO_LABEL}
    else:
        inside = f'{PurePosixPath(unlabelled)}/' if unlabelled is not None else None
        classes = classes_by_folder([path for path in paths if not (inside and path.startswith(inside))])
    others = [path for path in paths if path not in classes]
    if unlabelled is not None and not others:
        raise DataError(f'--unlabelled={unlabelled!r}: no file that decodes lies in a folder of this name')
    return classes, others


def beside(paths: Sequence[str], test: Collection[str], group_regex: re.Pattern | None) -> list[str]:
    """Files without a class that can be trained on beside what is held out: those of no group of it."""
    groups = groups_of(test, group_regex) if group_regex is not None else {}
    found = ((path, group_regex.search(f'/{path}') if groups else None) for path in paths)
    return [path for path, match in found if match is None or match[1] not in groups]


def class_names(classes: Mapping[str, str]) -> list[str]:
    """Class names in order of their labels: of the names, or of their values where all are numbers."""
    names = set(classes.values())
    return sorted(names, key=(lambda name: (int(name), name)) if all(map(str.isdecimal, names)) else None)


def check_classes(classes: Mapping[str, str], unlabelled: Sequence[str] = ()) -> None:
    """Refuses classes that cannot be trained on and tested.

    Args:
        classes: The class of each path.
        unlabelled: Paths without a class.

    Raises:
        DataError: If there is only one, two differ only in case (in leading zeros, in how accents are stored), one has
            a single file, or a name cannot stand in an annotation file.
    """
    check_names(classes, unlabelled)
    files = Counter(classes.values())
    if len(files) < 2:
        raise DataError(f'there is only one class, {next(iter(files), None)!r}: nothing to tell apart')
    if single := [path for path, name in classes.items() if files[name] == 1]:
        have, them = ('classes have', 'them') if len(single) > 1 else ('class has', 'it')
        raise DataError(
            f'{len(single)} {have} a single file, which cannot be both trained on and tested: {listed(single)}; add '
            f'files, or take {them} out'
        )


def check_names(classes: Mapping[str, str], unlabelled: Sequence[str] = ()) -> None:
    """Refuses names that an annotation file cannot hold, and classes that differ in case or leading zeros alone.

    Args:
        classes: The class of each path.
        unlabelled: Paths without a class.

    Raises:
        DataError: Names them.
    """
    if bad := [name for name in (*classes, *unlabelled, *class_names(classes)) if not _can_be_written(name)]:
        raise DataError(
            f'{len(bad)} names cannot stand in an annotation file, for they hold a line break, or begin or end with a '
            f'space; rename: {listed(list(map(ascii, bad)))}'
        )
    files = Counter(classes.values())
    same: dict[str, str] = {}
    for name in class_names(classes):
        key = str(int(name)) if name.isdecimal() else unicodedata.normalize('NFC', name).casefold()
        other = same.setdefault(key, name)
        if other != name:
            raise DataError(
                f'the classes {other!r} ({files[other]} files) and {name!r} ({files[name]} files) differ only in case, '
                'in leading zeros or in how they are stored: give both one name, or names that differ'
            )


def _can_be_written(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return bool(name) and name == name.strip() and not re.search(r'[\r\n]', name)


def held_out(
    classes: Mapping[str, str],
    test_fraction: float = 0.2,
    folds: int | None = None,
    group_regex: re.Pattern | None = None,
    seed: int = 0,
) -> list[set[str]]:
    """The paths that each split holds out: one set, or one a fold.

    Groups are never divided. Folds of groups take the groups in order of their names; all else is drawn by the seed.

    Args:
        classes: The class of each path.
        test_fraction: The share of each class (of groups) that is held out, above 0 and below 1.
        folds: Holds out each of so many parts in turn, from 2; None makes one split.
        group_regex: See :func:`groups_of`; None makes each class a pool of single files.
        seed: Decides what is held out.

    Raises:
        DataError: If there are not enough files or groups to divide.
    """
    rng = random.Random(seed)
    if group_regex is not None:
        groups = groups_of(classes, group_regex)
        pools = [[groups[name] for name in sorted(groups)]]
    else:
        pools = [[[path] for path in classes if classes[path] == name] for name in class_names(classes)]
    parts = folds or 1
    splits = [set() for _ in range(parts)]
    for units in pools:  # a unit is what must stay together; each pool (a class, or all groups) is divided evenly
        if len(units) < max(parts, 2):
            raise DataError(
                f'{len(units)} files or groups ({units[0][0]}, ...) cannot be divided into {max(parts, 2)} parts'
            )
        if group_regex is None or not folds:
            rng.shuffle(units)
        if folds:
            bounds = [round(len(units) * part / parts) for part in range(parts + 1)]
        else:
            bounds = [0, min(max(round(len(units) * test_fraction), 1), len(units) - 1)]
        for split, start, end in zip(splits, bounds, bounds[1:], strict=False):
            split.update(path for unit in units[start:end] for path in unit)
    return splits


def groups_of(paths: Collection[str], regex: re.Pattern) -> dict[str, list[str]]:
    """Paths by the first group of an expression in them, with ``/`` before each: what must stay on one side.

    Raises:
        DataError: If a path has none.
    """
    groups: dict[str, list[str]] = {}
    for path in paths:
        match = regex.search(f'/{path}')
        if match is None or match[1] is None:
            what = 'does not match' if match is None else 'matches without its first group in'
            raise DataError(f'the expression of groups {regex.pattern!r} {what} {path}')
        groups.setdefault(match[1], []).append(path)
    return groups


def write_annotations(
    out: str | Path,
    classes: Mapping[str, str],
    splits: Sequence[Collection[str]],
    unlabelled: Sequence[str] = (),
    group_regex: re.Pattern | None = None,
    test: Collection[str] = (),
) -> dict[Path, list[str]]:
    """Writes ``train.txt`` and ``val.txt`` (``fold<k>_train.txt`` ... for several splits) and ``classes.txt``.

    All of them or none, for labels are the numbers of the lines in ``classes.txt``.

    Args:
        out: The folder, which is there.
        classes: The class of each path.
        splits: The paths that each split holds out, see :func:`held_out`.
        unlabelled: Paths without a class: they stand in the lists to train on, with the label -1, but for those of a
            group that is held out.
        group_regex: See :func:`groups_of`.
        test: Held-out paths that stand in ``test.txt``, not in ``val.txt``.

    Returns:
        The annotation files, and the paths that each lists.
    """
    names = class_names(classes)
    labels = {name: label for label, name in enumerate(names)}
    label_of = {path: labels[name] for path, name in classes.items()} | dict.fromkeys(unlabelled, UNLABELLED)
    written = {}
    for number, held_out in enumerate(splits, start=1):
        prefix = f'fold{number}_' if len(splits) > 1 else ''
        without = beside(unlabelled, held_out, group_regex)
        written[Path(out, f'{prefix}train.txt')] = [*(path for path in classes if path not in held_out), *without]
        written[Path(out, f'{prefix}val.txt')] = [path for path in classes if path in held_out and path not in test]
    if test:
        written[Path(out, 'test.txt')] = [path for path in classes if path in test]
    texts = {file: ''.join(f'{path} {label_of[path]}\n' for path in paths) for file, paths in written.items()}
    texts[Path(out, 'classes.txt')] = ''.join(f'{name}\n' for name in names)
    with ExitStack() as files:
        for file, text in texts.items():
            files.enter_context(replacing(file)).write_bytes(text.encode())
    return written
