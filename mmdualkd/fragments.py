"""A method in one line: ``terms`` at the top of a config, or ``--cfg-options terms=NAME``, in place of the model's own.

MMEngine lets no two bases set ``model``, so a fragment of ``configs/_base_/terms``, which a leaf inherits beside
another config, sets ``terms``. Its name says the same.
"""

import ast
import copy
import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .errors import ConfigError, nearest
from .reading import check_file, one_line, read_file
from .top_keys import bases_of, names_in
from .zoo.names import zoo_folder

TERMS = 'terms'


def take_terms(cfg: Config, path: str | Path) -> None:
    """Moves ``terms`` from the top of a config to its model, in place of what terms it had.

    Args:
        cfg: The config, as it was read.
        path: The file.

    Raises:
        ConfigError: If the model has no teachers, the file or one that it inherits changes ``model.terms`` as well,
            which would be lost, no fragment has the name, or what it says is no method.
    """
    if TERMS not in cfg:
        return
    terms = _terms_for(cfg, cfg.pop(TERMS), f'{path}: `terms` at the top')
    known = []
    for file in bases_of(Path(path)):
        base = Config.fromfile(file, import_custom_modules=False)
        if isinstance(base.get('model'), dict):
            known.append(base.model.get(TERMS))
            if 'student' in base.model:
                take_terms(base, file)  # for its errors
    if cfg.model.get(TERMS) not in (None, terms, *known):
        raise ConfigError(
            f'{path} sets model.terms, and `terms` at the top, from a fragment, stands in their place: change the '
            "fragment's (terms=dict(<name>=dict(...)) beside it in _base_), or leave it out"
        )
    cfg.model.terms = terms


def merge_options(cfg: Config, options: Mapping[str, Any]) -> None:
    """Merges what ``--cfg-options`` gave into a config: first a fragment's ``terms``, which the others may change.

    Raises:
        ConfigError: If the model has no teachers, no fragment has the name, what it says is no method, a part of
            ``terms`` is set and not of ``model.terms``, or they do not fit the config.
    """
    options = dict(options)
    if TERMS in options:
        cfg.model.terms = _terms_for(cfg, options.pop(TERMS), '--cfg-options terms')
    if part := next((key for key in options if key.startswith(f'{TERMS}.')), None):
        raise ConfigError(f'--cfg-options {part}: nothing reads it; set model.{part}')
    try:
        cfg.merge_from_dict(options)
    except (TypeError, KeyError, AttributeError) as error:
        raise ConfigError(f'--cfg-options do not fit the config: {one_line(error)}') from error


def fragments() -> dict[str, Path]:
    """The files of ``configs/_base_/terms`` by the names that ``terms`` takes."""
    folder = zoo_folder('mmdualkd') / '_base_' / 'terms'
    return {file.relative_to(folder).with_suffix('').as_posix(): file for file in sorted(folder.rglob('*.py'))}


def _terms_for(cfg: Config, terms: Any, where: str) -> dict:
    """The terms that a config asks for, by a fragment's name or path, or as they are."""
    if 'student' not in cfg.model:
        raise ConfigError(f'{where} is for a distillation, and its model has no student')
    if isinstance(terms, dict):
        return _checked(terms, where)
    if not isinstance(terms, str):
        raise ConfigError(f"{where} must be terms, or one fragment's name as in terms=rsd, got {terms!r}")
    known, named = fragments(), f'{where}={terms!r}'
    file = known.get(terms) or Path(os.path.expanduser(terms))
    if file.suffix != '.py' or (file.stem in known and not os.path.isfile(file)):
        raise ConfigError(f'{named} is no fragment{_nearest(terms, known)} (`mmdualkd list methods` prints them)')
    check_file(where, str(file))
    found = os.stat(file)
    return _checked(copy.deepcopy(_read(file, where, (found.st_mtime_ns, found.st_size))), named)


@functools.lru_cache(maxsize=256)  # a study's rows name the same ones
def _read(file: Path, where: str, as_it_is: tuple[int, int]) -> Any:
    """The terms of a fragment, in which nothing else stands that would be lost.

    Args:
        file: The fragment.
        where: What names it, for errors.
        as_it_is: Its time of last change, and its size: one that is changed is read again.
    """
    found, named = read_file(where, str(file)), f'{where}={str(file)!r}'
    if TERMS not in found:
        raise ConfigError(f'{named}: that file sets no `terms`')
    lost = {'model'} | names_in(file, ast.Store) - names_in(file, ast.Load)  # what it computes with is its own
    for name in found:
        if name in lost and name != TERMS and not name.startswith('_'):
            raise ConfigError(f'{named}: of a fragment `terms` alone is read, and that file sets {name!r}, too')
    return found.to_dict()[TERMS]  # classes by their names


def _checked(terms: Any, where: str) -> dict:
    """Refuses what is no method."""
    if not isinstance(terms, dict) or not terms:
        raise ConfigError(f'{where}: `terms` must be a dict of terms by name, got {terms!r}')
    for name, term in terms.items():
        if not isinstance(term, dict) or 'type' not in term:
            raise ConfigError(
                f'{where}: {name!r} must be a dict with a `type`, for `terms` is the whole method, got {term!r}'
            )
    return terms


def _nearest(terms: str, known: Mapping[str, Path]) -> str:
    """The nearest fragment to a path that is not there, or to what a paper calls it (CA-MKD)."""
    name = terms.strip().lower().replace('-', '_').removesuffix('.py').rpartition('terms/')[2]
    stem = name.rpartition('/')[2]
    return nearest(stem if stem in known and name not in known else name, known)
