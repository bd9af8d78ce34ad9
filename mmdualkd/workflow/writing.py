"""A config in Python, written as a person would."""

import keyword
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files import open_whole

WIDTH = 120
HEADER = (
    '# Written by `mmdualkd distill`; `mmdualkd train {path} --work-dir {work_dir} --resume` runs this stage alone.\n'
)


@dataclass(frozen=True)
class Code:
    """Python that stands in a config as it is: the name of a variable of a base."""

    text: str


def write_leaf(path: Path, config: Mapping[str, Any], work_dir: Path) -> None:
    """Writes a config as a person would, whole or not at all."""
    lines = [f'{name} = {source(value)}\n' for name, value in config.items()]
    with open_whole(path, 'w') as file:
        file.write(HEADER.format(path=_typed(path), work_dir=_typed(work_dir)) + ''.join(lines))


def _typed(path: Path) -> str:
    """A path as a shell reads it, on one line."""
    return shlex.quote(str(path)) if str(path).isprintable() else ascii(str(path))


def source(value: Any, column: int = 0) -> str:
    """Python source of a value: dicts as ``dict(...)``, on one line where it fits."""
    if isinstance(value, Code):
        return value.text
    if isinstance(value, Mapping) and all(str(key).isidentifier() and not keyword.iskeyword(key) for key in value):
        begin, parts, end = 'dict(', [f'{key}={source(part, column + 4)}' for key, part in value.items()], ')'
    elif isinstance(value, list):
        begin, parts, end = '[', [source(part, column + 4) for part in value], ']'
    else:
        return repr(value)
    line = begin + ', '.join(parts) + end
    if len(line) + column < WIDTH - 30 and '\n' not in line:
        return line
    indent = ' ' * (column + 4)
    return f'{begin}\n' + ''.join(f'{indent}{part},\n' for part in parts) + ' ' * column + end
