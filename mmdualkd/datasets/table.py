"""A table of one's own videos or pictures."""

import csv
import os
import re
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError

# names of columns by which a table's first row is known for its header
PATHS = ('path', 'file', 'filename', 'file_name', 'video', 'video_path', 'image', 'image_path', 'picture', 'clip')
CLASSES = ('label', 'class', 'class_name', 'category', 'target', 'action')
DIVISIONS = ('split', 'subset', 'fold', 'partition')
WHOLE = re.compile(r'-?\d+(\.0+)?')
SPLITS = dict(train=False, training=False, val=True, valid=True, validation=True, test=True)  # whether it is held out


class Table(NamedTuple):
    """What a table says of each file, as it stands there.

    Attributes:
        classes: The name of its class; an empty one where there is none.
        parts: The part of a split that it is of, a key of ``SPLITS``; none where the table is not divided.
    """

    classes: dict[str, str]
    parts: dict[str, str]


def read_table(path: str | Path, folder: str | Path | None = None) -> Table:
    """Reads a CSV of files and the names of their classes.

    A first row of known names (``path,label``; ``file``, ``video``, ``class`` and others do as well) is a header, which
    may name further columns; one called ``split`` (``subset``, ``fold``, ``partition``) divides the files where it has
    the names of parts alone, ``train`` and ``val`` or ``test``. Without a header there are two columns, the file first.
    Classes that are all whole numbers lose the point that pandas writes beside gaps (``10.0``), so that they are the
    numbers that they are elsewhere.

    Args:
        path: The CSV, in UTF-8.
        folder: Where its paths start from; None takes the folder that it lies in.

    Raises:
        DataError: If it cannot be read, is empty, or a row has not its two columns, or names a file again.
    """
    try:
        with open(path, encoding='utf-8-sig', newline='') as file:
            reader = csv.reader(file, skipinitialspace=True, strict=True)
            rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(f'{path} cannot be read as a CSV in UTF-8: {error}') from error
    header = [cell.lower() for cell in rows[0][1]] if rows else []
    of_path = next((index for index, name in enumerate(header) if name in PATHS), None)
    of_class = next((index for index, name in enumerate(header) if name in CLASSES), None)
    of_part, width = None, 2
    if of_path is not None and of_class is not None:
        rows, width = rows[1:], len(header)
        of_part = next((index for index, name in enumerate(header) if name in DIVISIONS), None)
    else:
        of_path, of_class = 0, 1
    if not rows:
        raise DataError(f'{path} is empty')
    found: dict[str, str] = {}
    spelt: dict[str, str] = {}
    parts: dict[str, str] = {}
    start = Path(path).parent if folder is None else Path(folder)
    for line, row in rows:
        if len(row) != width or not row[of_path]:
            raise DataError(
                f'{path}, line {line} ({",".join(row)!r}): a row must be path,label, or begin with a header that names '
                'the two columns path and label'
            )
        name = row[of_path]
        before = spelt.setdefault(os.path.normpath(start.absolute() / name), name)
        if name in found or before != name:
            otherwise = f', as {before!r}' if before != name else ''
            raise DataError(f'{path}, line {line}: {name!r} stands there before{otherwise}')
        found[name] = row[of_class]
        if of_part is not None:
            parts[name] = row[of_part].lower()
    if all(WHOLE.fullmatch(label) for label in found.values() if label):
        found = {name: label.partition('.')[0] for name, label in found.items()}
    return Table(found, _checked(parts, f'{path}: the column {header[of_part]!r}') if parts else {})


def _checked(parts: dict[str, str], column: str) -> dict[str, str]:
    """The parts, where they are those of a split; where they are not, none, and it is told."""
    names = list(dict.fromkeys(parts.values()))
    strange = next((name for name in names if name not in SPLITS), None)
    if strange is None and len({SPLITS[name] for name in names}) == 2:
        return parts
    what = f'{strange!r} is no part' if strange is not None else f'all files are of {", ".join(map(repr, names))}'
    print(f'warning: {column} is not read, for {what}: of train and val (or test) it decides what is held out')
    return {}
