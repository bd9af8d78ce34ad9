"""Files that are written whole or not at all: under another name first, which then takes their place."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from .errors import CheckpointError, ConfigError

PART = '.mmdualkd-part'


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Gives a name to write to; at the end that file takes the place of ``path``, in one step.

    A kill or an error in between leaves at ``path`` what was there before.

    Args:
        path: The file to write; of a symbolic link, the file that it leads to.

    Raises:
        CheckpointError: If it cannot be written (a full disk, for one), or is a device or a pipe, whose place no file
            may take.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise CheckpointError(f'{str(path)!r} is no file: name one')
    part = path.with_name(path.name + PART)
    try:
        yield part
        with part.open('rb') as file:
            os.fsync(file.fileno())  # or a power cut leaves an empty file under the new name
        os.replace(part, path)
    except OSError as error:
        raise CheckpointError(
            f'{str(path)!r} cannot be written: {error.strerror or error}; what was there before stays as it is'
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()


@contextmanager
def open_whole(path: str | Path, mode: str) -> Iterator[IO[Any]]:
    """As ``open(path, mode)`` for writing, see :func:`replacing`."""
    with replacing(path) as part, part.open(mode) as file:
        yield file


def check_folder(key: str, folder: str | Path) -> None:
    """Makes a folder, and refuses one in which nothing can be written.

    Args:
        key: The setting or option that names it (``work_dir``), for errors.
        folder: Its path.

    Raises:
        ConfigError: Says why not.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(1 << 16))  # a full disk takes an empty file
            file.flush()
    except OSError as error:
        where = f' ({error.filename})' if error.filename else ''
        raise ConfigError(f'{key}={str(folder)!r} cannot be written: {error.strerror or error}{where}') from error


def shown(path: str | Path) -> str:
    """A path as one would type it here."""
    path = Path(path)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def remove_parts(folder: str | Path) -> None:
    """Removes what writers that were killed left in a folder."""
    for part in Path(folder).glob(f'*{PART}'):
        part.unlink(missing_ok=True)
