"""Keys at the top of a config that nothing reads: what they were meant to change stays as it was."""

import ast
import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .errors import ConfigError, nearest
from .fragments import TERMS
from .top_keys import bases_of, names_in, places

# what is read from the top of a config beside the Runner's arguments: by its methods, by tools and by MMEngine's reader
READ = (
    'activation_checkpointing',
    'compile',
    'custom_imports',
    'device',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'num_classes',
    'runner_type',
    'sync_bn',
    'teacher_val_pipeline',
    'tta_model',
    'tta_pipeline',
)


def settings() -> list[str]:
    """The keys at the top of a config that are read, whatever else stands there."""
    from mmengine.runner import Runner

    return [*list(inspect.signature(Runner.__init__).parameters)[1:], *READ]


def check_read(cfg: Config, path: str, options: Mapping[str, Any]) -> None:
    """Refuses a key at the top of the config file that is trained with, or of the command line, that nothing reads.

    A key is read if it is a setting of the Runner or of our tools, if a part follows it (:mod:`~mmdualkd.top_keys`), or
    if the file computes with it. What a base had computed with it is settled when that base is read: a leaf that only
    sets ``train_pipeline`` anew trains with the old one. Names that begin with ``_`` are one's own, for notes and for
    hooks that read them from ``runner.cfg``.

    Only files that import this package are looked at, for it is there that a leaf inherits. Others are MMAction2's and
    MMPretrain's own configs, full of variables that their authors copied along; their misspelt settings are refused by
    :func:`~mmdualkd.settings.check_settings`. Bases may hold whatever their leaves need, and so may whole
    configs that inherit nothing, such as those that training writes into its work directory.

    Args:
        cfg: The config, with ``options`` merged in.
        path: The file that it was read from.
        options: What ``--cfg-options`` gave.

    Raises:
        ConfigError: Names the key, the file, and what to set in its place.
    """
    imports = (cfg.get('custom_imports') or {}).get('imports') or ()
    if 'mmdualkd' not in ([imports] if isinstance(imports, str) else imports):
        return
    followed = {place.name for place in places(cfg).values()}
    known = {*settings(), *followed, TERMS}
    for name in dict.fromkeys(key.partition('.')[0] for key in options):
        if name not in known and not name.startswith('_'):
            raise ConfigError(f'--cfg-options {name}: {_advice(name, cfg, name in _read(path), known)}')
    file = Path(path)
    bases = bases_of(file)
    if not bases:
        return
    own = names_in(file, ast.Store) if file.suffix == '.py' else _keys(file)
    unread = own - known - names_in(file, ast.Load)
    for name in cfg:
        if name in unread and not name.startswith('_'):
            inherited = any(name in _read(base) for base in bases)
            raise ConfigError(f'{name} in {path}: {_advice(name, cfg, inherited, known)}')


def _read(path: str | Path) -> Config:
    return Config.fromfile(path, import_custom_modules=False)


def _keys(file: Path) -> set[str]:
    """The keys at the top of a YAML or JSON config."""
    from mmengine.fileio import load

    return set(load(file))


def _advice(name: str, cfg: Config, inherited: bool, known: set[str]) -> str:
    """What to do about a key that nothing reads."""
    split = re.fullmatch(r'(train|val|test)_pipeline', name)
    if split and f'{split[1]}_dataloader' in cfg:
        return f'nothing reads it any more; set {split[1]}_dataloader.dataset.pipeline'
    if inherited:
        return 'only the config that has set it before reads it, and did so already; set what was made of it there'
    data = r'data_(root|prefix)(_train|_val|_test)?'
    if re.fullmatch(data, name) and (others := [key for key in cfg if re.fullmatch(data, key) and key in known]):
        return f'nothing reads it here; paths of these data start from {", ".join(others)}'
    inside = _inside(name, cfg)
    hint = f'; set {inside}' if inside else nearest(name, sorted({*known, TERMS}))
    return f"nothing reads it{hint} (a name of one's own begins with '_')"


def _inside(name: str, cfg: Config) -> str | None:
    """Where a setting of this name stands further down, the least deep first: ``train_dataloader.batch_size``."""
    parts = [(key, cfg[key]) for key in settings() if isinstance(cfg.get(key), dict)]
    for key, part in parts:  # grows while it is read
        if name in part:
            return f'{key}.{name}'
        parts += [(f'{key}.{below}', one) for below, one in part.items() if isinstance(one, dict)]
    return None
