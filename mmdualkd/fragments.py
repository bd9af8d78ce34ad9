"""A method in one line: ``terms`` at the top of a config, or ``--cfg-options terms=NAME``, in place of the model's own.

MMEngine lets no two bases set ``model``, so a fragment of ``configs/_base_/terms``, which a leaf inherits beside
another config, sets ``terms``. Its name says the same.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .errors import ConfigError, nearest
from .top_keys import bases_of
from .zoo.names import zoo_folder

TERMS = 'terms'


def take_terms(cfg: Config, path: str | Path) -> None:
    """Moves ``terms`` from the top of a config to its model, in place of what terms it had.

    Args:
        cfg: The config, as it was read.
        path: The file.

    Raises:
        ConfigError: If the model has no teachers, the file or one that it inherits changes ``model.terms`` as well,
            which would be lost, or no fragment has the name.
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
            "fragment's (terms=dict(<name>=dict(...))), or leave it out"
        )
    cfg.model.terms = terms


def merge_options(cfg: Config, options: Mapping[str, Any]) -> None:
    """Merges what ``--cfg-options`` gave into a config: first a fragment's ``terms``, which the others may change.

    Raises:
        ConfigError: If the model has no teachers, no fragment has the name, or an option is of a part of ``terms``,
            which stand in the model.
        KeyError: If they do not fit the config, as do ``TypeError`` and ``AttributeError``, MMEngine's own.
    """
    options = dict(options)
    if part := next((key for key in options if key.startswith(f'{TERMS}.')), None):
        raise ConfigError(f'--cfg-options {part}: nothing reads it; did you mean model.{part}?')
    if TERMS in options:
        cfg.model.terms = _terms_for(cfg, options.pop(TERMS), '--cfg-options terms')
    cfg.merge_from_dict(options)


def fragments() -> dict[str, Path]:
    """The files of ``configs/_base_/terms`` by the names that ``terms`` takes."""
    folder = zoo_folder('mmdualkd') / '_base_' / 'terms'
    return {file.relative_to(folder).with_suffix('').as_posix(): file for file in sorted(folder.rglob('*.py'))}


def terms_of(terms: Any, where: str) -> dict:
    """The terms that a config asks for, by a fragment's name or path, or as they are.

    Args:
        terms: What it says.
        where: Its place, for errors.

    Raises:
        ConfigError: If no fragment has the name, or the file cannot be read or sets no ``terms``.
    """
    if isinstance(terms, dict):
        return terms
    if not isinstance(terms, str):
        raise ConfigError(f"{where} must be terms, or a fragment's name as in terms=rsd, got {terms!r}")
    known = fragments()
    file = Path(terms).expanduser() if terms.endswith('.py') else known.get(terms)
    if file is None or not file.is_file():
        raise ConfigError(f'{where}={terms!r} is no fragment{nearest(terms, known)}')
    try:
        found = Config.fromfile(file, import_custom_modules=False).get(TERMS)
    except Exception as error:  # it may hold any code
        raise ConfigError(
            f'{where}={terms!r} cannot be read: {type(error).__name__}: {" ".join(str(error).split())}'
        ) from error
    if not isinstance(found, dict):
        raise ConfigError(f'{where}={terms!r}: that file sets no `terms`')
    return found


def _terms_for(cfg: Config, terms: Any, where: str) -> dict:
    """The same for a config, whose model has to be a distiller."""
    if 'student' not in cfg.model:
        raise ConfigError(f'{where} is for a distillation, and its model has no student')
    return terms_of(terms, where)
