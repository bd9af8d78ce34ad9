"""Where a name of the model zoo, or a path, leads: to a config file and the address of its weights."""

import difflib
import importlib.util
import re
from pathlib import Path
from typing import Any

import yaml

from ..errors import ConfigError, nearest

ZOOS = ('mmdualkd', 'mmaction', 'mmpretrain')  # packages that bring configs along
SAFE = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)  # a metafile may lie beside anybody's config


def find_model(name: str | Path, key: str) -> Path:
    """Finds the config that a name stands for.

    Args:
        name: A config of a zoo (``package::path.py``), a name of ``mmpretrain.get_model``, or a path.
        key: The config key that holds the name, for errors.

    Returns:
        The config file.

    Raises:
        ConfigError: If there is no such config; the error names the nearest one.
    """
    if not isinstance(name, str | Path):
        raise ConfigError(f'{key} must be a zoo name, a path or a model dict, got {name!r}')
    return _find_config(str(name), key) if _is_file(name) else Path(_find_in_hub(str(name), key).config.filename)


def listed_weights(name: str | Path, key: str) -> str | None:
    """Finds the address of the weights that a zoo lists for a config; None if it lists none. Arguments as above."""
    if not _is_file(name):
        return _find_in_hub(str(name), key).weights
    return _entry_of(_find_config(str(name), key)).get('Weights')


def listed_facts(name: str, key: str) -> dict[str, float | None]:
    """What a zoo says of a config: its ``parameters``, ``gflops`` and top-1 accuracy in percent; None where nothing.

    Arguments as above.
    """
    entry = _entry_of(_find_config(name, key))
    metadata, results = entry.get('Metadata') or {}, entry.get('Results') or [{}]
    flops = _number(metadata.get('FLOPs'))
    return dict(
        parameters=_number(metadata.get('Parameters')),
        gflops=None if flops is None else flops / 1e9,
        top1=_number((results[0].get('Metrics') or {}).get('Top 1 Accuracy')),
    )


def _number(text: Any) -> float | None:
    """A number as metafiles write it: ``64G``, ``34.5M``, ``73.3``; None for what is none."""
    match = re.fullmatch(r'([\d.]+) *([KMG]?)', str(text))
    return float(match[1]) * dict(K=1e3, M=1e6, G=1e9).get(match[2], 1) if match else None


def _is_file(name: str | Path) -> bool:
    """Whether a name means a config file, and no name of ``mmpretrain.get_model``."""
    return '::' in str(name) or '/' in str(name) or str(name).endswith('.py')


def _find_config(name: str, key: str) -> Path:
    """Finds a config file by zoo name (``package::path.py``) or path."""
    package, colons, relative = name.rpartition('::')
    if not colons:
        path = Path(relative).expanduser()
        if path.is_file():
            return path
        hint = nearest(path.name, [file.name for file in path.parent.glob('*.py')], cutoff=0.0)
        raise ConfigError(f'{key}={name!r}: there is no such config file{hint}')
    root = zoo_folder(package)
    if root is None:
        raise ConfigError(f'{key}={name!r}: no package {package!r} is installed ({", ".join(ZOOS)} have zoos)')
    path = root / relative
    if path.is_file():
        return path
    known = [file.relative_to(root).as_posix() for file in root.rglob('*.py')]
    same_name = [other for other in known if other.rpartition('/')[2] == Path(relative).name]
    hint = nearest(name, [f'{package}::{other}' for other in same_name or known], cutoff=0.0)
    raise ConfigError(f'{key}={name!r}: {package} has no such config{hint}')


def zoo_folder(package: str) -> Path | None:
    """The folder that ``package::`` names; None if there is no such package."""
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / '.mim' / 'configs'


def nearest_config(name: str) -> str | None:
    """The config of an installed zoo whose file is called like that or nearly so, as ``package::path.py``."""
    found = {}
    for package in ZOOS:
        root = zoo_folder(package)
        for file in sorted(root.rglob('*.py')) if root is not None else ():
            if '_base_' not in file.parts:
                found.setdefault(file.stem, f'{package}::{file.relative_to(root).as_posix()}')
    near = difflib.get_close_matches(Path(name).stem, found, n=1, cutoff=0.6)
    return found[near[0]] if near else None


def _find_in_hub(name: str, key: str) -> Any:
    """Finds the entry of a name in MMPretrain's model list."""
    from mmpretrain.apis.model import ModelHub, list_models

    try:
        return ModelHub.get(name)
    except ValueError as error:
        hint = nearest(name, list_models(), cutoff=0.0)
        raise ConfigError(
            f'{key}={name!r} is no name of mmpretrain.get_model{hint} (other configs: package::path.py, or a path)'
        ) from error


def _entry_of(path: Path) -> dict[str, Any]:
    """Finds what a zoo's ``metafile.yml`` says of a config with weights; that of its own name comes first."""
    for folder in path.resolve().parents[:3]:
        metafile = folder / 'metafile.yml'
        if not metafile.is_file():
            continue
        try:
            listed = yaml.load(metafile.read_text(encoding='utf-8'), SAFE)
        except (OSError, ValueError, yaml.YAMLError) as error:
            reason = ' '.join(str(error).split())
            raise ConfigError(f'{str(metafile)!r} cannot be read as a list of weights: {reason}') from error
        models = listed.get('Models') if isinstance(listed, dict) else None
        entries = {
            str(model.get('Name')).lower(): model
            for model in (models if isinstance(models, list) else ())
            if isinstance(model, dict)
            and model.get('Weights')
            and model.get('Config')
            and path.resolve().as_posix().endswith(f'/{model["Config"]}')
        }
        if entries:
            return entries.get(path.stem.lower(), next(iter(entries.values())))
    return {}
