"""Files that are read in the form of MMEngine's configs, and what is wrong with one in a line."""

import difflib
import inspect
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .errors import ConfigError


def read_file(key: str, path: str, lazy_import: bool | None = None) -> Config:
    """Reads a file in the form of MMEngine's configs.

    Args:
        key: What the file is, as the user knows it (``config``).
        path: The file.
        lazy_import: As for ``Config.fromfile``.

    Raises:
        ConfigError: In one line what is wrong, and in which file and line, be it a base.
    """
    try:
        return Config.fromfile(path, lazy_import=lazy_import)
    except ImportError as error:
        first = error
        while first.__cause__ or first.__context__:
            first = first.__cause__ or first.__context__
        hint = _where(getattr(first, 'name', None), path)
        raise ConfigError(f'{key}={path!r} imports what is not found: {first}; {hint}') from error
    except Exception as error:
        at, line = path, error.__context__.lineno if isinstance(error.__context__, SyntaxError) else None
        for frame, number in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_name == '_file2dict':  # MMEngine reads a base inside the file that inherits it
                at = frame.f_locals.get('filename', at)
            elif frame.f_code.co_filename == at:
                line = number
        if isinstance(error, SyntaxError):
            line, error = line or error.lineno, SyntaxError(getattr(error.__context__ or error, 'msg', error))
        place = f'{os.path.relpath(at)}, line {line}' if line else os.path.relpath(at)
        raise ConfigError(f'{key}={path!r} cannot be read: {place}: {one_line(error)}') from error


def _where(module: str | None, path: str) -> str:
    """What to do about a module that is not found: it may lie beside the file, or where the command was called."""
    top = (module or '').partition('.')[0]
    for folder in (os.path.dirname(path) or '.', '.'):
        place = os.path.join(folder, top)
        if top and (os.path.isfile(f'{place}.py') or os.path.isdir(place)):
            return f'it lies in {folder}: export PYTHONPATH={os.path.abspath(folder)}'
    return 'is it on PYTHONPATH?'


def with_names(part: Any) -> None:
    """Puts names in place of the classes that a Python-style config has as its types, as MMEngine's dump does."""
    if isinstance(part, dict):
        for key in ('type', 'constructor'):
            if inspect.isclass(kind := part.get(key)) or inspect.isfunction(kind):
                part[key] = f'{kind.__module__}.{kind.__qualname__}'
    for value in part.values() if isinstance(part, dict) else part:
        if isinstance(value, dict | list | tuple):
            with_names(value)


def one_line(error: Exception) -> str:
    """An error's type and message in one line."""
    return f'{type(error).__name__}: {" ".join(str(error).split())}'


def check_file(key: str, path: str, elsewhere: Callable[[str], str | None] = lambda path: None) -> None:
    """Raises a :class:`ConfigError` that names the nearest file if ``path`` is neither a file nor an address.

    Args:
        key: What the path is, as the user knows it (``config``).
        path: A path, or an address such as ``https://...``.
        elsewhere: Gives what may be meant where no file is near.
    """
    if '://' in path or os.path.isfile(path):
        return
    if path and os.path.isdir(path):
        files = sorted(Path(path).glob('*.py' if key == 'config' else '*.pth'), key=os.path.getmtime)
        whole = [file for file in files if not file.name.startswith(('student_', 'best_'))]  # can be resumed, too
        hint = f', such as {(whole or files)[-1]}' if files else ''
        raise ConfigError(f'{key}={path!r} is a folder: name a file in it{hint}')
    folder = next(parent for parent in Path(path).absolute().parents if parent.is_dir())
    shallow = folder in (Path.cwd(), *Path.cwd().parents)  # a whole checkout holds too many files to look through
    if shallow and (folder / 'configs').is_dir():
        folder, shallow = folder / 'configs', False
    files = folder.glob('*') if shallow else folder.rglob('*')
    kinds = {Path(path).suffix, *(('.py',) if key.endswith(('config', 'study')) else ())}
    by_name = {file.name: file for file in sorted(files) if file.suffix in kinds and file.is_file()}
    near = difflib.get_close_matches(Path(path).name, by_name, n=1, cutoff=0.6)
    meant = os.path.relpath(by_name[near[0]]) if near else elsewhere(path)
    hint = f'; did you mean {meant}?' if meant else ''
    raise ConfigError(f'{key}={path!r} is not a file{hint}')
