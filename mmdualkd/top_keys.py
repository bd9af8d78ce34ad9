"""What stands once at the top of a config and reaches the parts that read it: number of classes, paths of the data.

Configs write ``model = dict(num_classes=_base_.num_classes)`` and ``dataset = dict(ann_file=ann_file_train)``, which is
settled when that file is read: a leaf that replaces one of the two leaves the other behind. The one that was changed
last is meant. The keys, and what follows them:

- ``num_classes``: the model, its heads, data sets, evaluators and data preprocessors of the same number;
- ``ann_file_train``, ``ann_file_val``, ``ann_file_test`` (where there is none: that of val): ``ann_file`` of the
  loaders' data sets, in wrappers too; of several (``ConcatDataset``) those follow that had what stands at the top;
- ``data_root``, the folder that paths in annotation files start from: the data sets' ``data_root`` where they have one,
  otherwise their ``data_prefix``. ``data_prefix`` stands before it where there are both; either may end in ``_train``,
  ``_val`` or ``_test`` for one split.

``terms`` stands there, too, see :mod:`~mmdualkd.fragments`.
"""

import ast
import copy
import functools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config

from .dataset_configs import plain_configs
from .errors import ConfigError
from .zoo.resolve import set_num_classes

NUM_CLASSES = 'model.num_classes'


class Place(NamedTuple):
    """A part of a config that follows a key at its top."""

    name: str  # the key at the top
    top: Any  # what stands there; None where nothing does
    own: Any  # what the part has itself
    path: tuple[str | int, ...]  # where that stands


# what a place has at the top and itself, and which of the two is meant
Before = tuple[Any, Any, Any]
# a config file as it was when it was looked at
Stamp = tuple[str, int, int, tuple]


def settle(cfg: Config, path: str | Path) -> None:
    """Puts what the keys at the top of a config say where the config has something else, and the other way round.

    Args:
        cfg: The config, with ``--cfg-options`` merged in.
        path: The file that it was read from.

    Raises:
        ConfigError: If one file sets a key and its part, to different values.
    """
    meant = meant_values(cfg, path)
    found = places(cfg)
    if NUM_CLASSES in meant:
        _apply_num_classes(cfg, found.pop(NUM_CLASSES), meant[NUM_CLASSES])
    for key, place in found.items():
        if meant[key] != place.own:
            _put(cfg, place.path, meant[key])


def places(cfg: Config) -> dict[str, Place]:
    """The parts of a config that follow a key at its top, by what they are."""
    found = {}
    top, own = _counts(cfg)
    model = cfg.get('model')
    if own is not None or (top is not None and isinstance(model, dict) and 'student' in model):
        found[NUM_CLASSES] = Place('num_classes', top, own, ('model', 'num_classes'))
    for split in ('train', 'val', 'test'):
        splits = dict.fromkeys((split, 'val' if split == 'test' else split))
        roots, prefixes = ([*(f'{kind}_{one}' for one in splits), kind] for kind in ('data_root', 'data_prefix'))
        where = f'{split}_dataloader'
        loader = cfg.get(where) if isinstance(cfg.get(where), dict) else {}
        for path, dataset in plain_configs(loader.get('dataset'), (where, 'dataset')):
            number = ''.join(f'.{step}' for step in path if isinstance(step, int))  # which of several
            followed = dict(
                ann_file=[f'ann_file_{one}' for one in splits],
                data_root=roots,
                data_prefix=prefixes if dataset.get('data_root') else [*prefixes, *roots],
            )
            for key, names in followed.items():
                if key in dataset:
                    name = next((name for name in names if name in cfg), names[0])
                    place = Place(name, _folder(cfg.get(name)), _folder(dataset[key]), (*path, key))
                    found[f'{split}{number}.{key}'] = place  # the same in a wrapper, which a leaf may put around it
    return found


def _folder(value: Any) -> Any:
    """The folder of a ``data_prefix`` that has one, be it ``dict(video=...)`` or the folder itself."""
    return next(iter(value.values())) if isinstance(value, Mapping) and len(value) == 1 else value


def _put(cfg: Config, path: tuple[str, ...], value: Any) -> None:
    """Sets a part; of a ``dict(video=...)`` the one folder."""
    *inner, last = path
    part = cfg
    for name in inner:
        part = part[name]
    alone = isinstance(part[last], Mapping) and len(part[last]) == 1 and not isinstance(value, Mapping)
    part[last] = {next(iter(part[last])): value} if alone else copy.deepcopy(value)


def meant_values(cfg: Config, path: str | Path) -> dict[str, Any]:
    """What a config means each of its :func:`places` to be; for arguments and errors see :func:`settle`."""
    found = places(cfg)
    if all(place.top is None or place.top == place.own for place in found.values()):
        return {key: place.own for key, place in found.items()}
    stamp = _stamp(os.path.abspath(path))
    before, file = _of_file(stamp), _read(stamp)
    meant = {}
    for key, place in found.items():
        known = before.get(key)
        # a part that follows another key since than in the file, where this key stands as before: the part was changed
        moved = known is not None and known[0] is None and place.top == _folder(file.get(place.name))
        meant[key] = place.own if moved and place.own is not None else _settled(key, place, known)
    return meant


@functools.lru_cache(maxsize=256)  # a study asks of the same files for each of its trainings
def _of_file(stamp: Stamp) -> dict[str, Before]:
    """The places of a config file: what stands at the top and in each part, and what is meant."""
    path, *_, bases = stamp
    found = places(_read(stamp))
    before, free = {}, names_in(Path(path), ast.Load)
    for base in bases:
        for key, values in _of_file(base).items():
            known = before.get(key, (None, None, None))
            before[key] = tuple(new if old is None else old for old, new in zip(known, values, strict=True))
    return {
        key: (place.top, place.own, _settled(key, place, before.get(key), place.name in free))
        for key, place in found.items()
    }


@functools.lru_cache(maxsize=256)
def _read(stamp: Stamp) -> Config:
    return Config.fromfile(stamp[0], import_custom_modules=False)


def _stamp(path: str) -> Stamp:
    """A config file as it is now: its path, time of last change, size, and those that it inherits."""
    found = os.stat(path)
    return path, found.st_mtime_ns, found.st_size, tuple(_stamp(str(base)) for base in bases_of(Path(path)))


def _settled(key: str, place: Place, before: Before | None, free: bool = False) -> Any:
    """Which of two different values is meant, from what they were before: the one that was changed.

    Args:
        key: What the place is.
        place: The two values.
        before: What they were in what the file inherits; None if it inherits none.
        free: Whether the file computes with the key itself, so that the part may well have another value.
    """
    top, own = place.top, place.own
    several = any(isinstance(step, int) for step in place.path)  # they may differ on purpose
    if top is None or own is None or top == own:
        return own if top is None else top
    if before is not None and (top, own) == before[:2]:
        return before[2]
    if before is None or (top != before[0] and own != before[1]):
        if key != NUM_CLASSES and (before is None or free or several):
            return own
        raise ConfigError(
            f'{place.name}={top!r} at the top of the config, but {own!r} in its '
            f'{"model" if key == NUM_CLASSES else ".".join(map(str, place.path))}: write one of the two'
        )
    return own if top == before[0] or (several and before[0] != before[1]) else top


def bases_of(path: Path) -> list[Path]:
    """The files that a config file inherits."""
    file = os.path.abspath(path)
    return [Path(Config._get_cfg_path(base, file)[0]) for base in Config._get_base_files(file)]


def names_in(path: Path, context: type[ast.expr_context]) -> set[str]:
    """The variables that a config file in Python sets (``ast.Store``) or reads (``ast.Load``)."""
    nodes = ast.walk(ast.parse(path.read_text(encoding='utf-8-sig'))) if path.suffix == '.py' else ()
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, context)}


def _counts(cfg: Config) -> tuple[int | None, int | None]:
    """``num_classes`` at the top of a config, and its model's or its model's head's."""
    model = cfg.get('model')
    model = model if isinstance(model, dict) else {}
    spots = [model] if 'student' in model else [model.get('cls_head'), model.get('head'), model]
    own = next((spot['num_classes'] for spot in spots if isinstance(spot, dict) and 'num_classes' in spot), None)
    return tuple(value if isinstance(value, int) else None for value in (cfg.get('num_classes'), own))


def _apply_num_classes(cfg: Config, place: Place, classes: int) -> None:
    """Puts a number of classes where the config has another: at its top, in its model, in what reads its data."""
    if place.top is not None:
        cfg.num_classes = classes
    if 'student' in cfg.model:
        cfg.model.num_classes = classes
    elif place.own != classes:
        set_num_classes(cfg.model, classes)
    for part in _countable(cfg):
        if part.get('num_classes') in {place.top, place.own} - {None}:
            part.num_classes = classes


def _countable(cfg: Config) -> Iterator[dict]:
    """The parts that may have a number of classes beside the model."""
    parts = [cfg.get('data_preprocessor')]
    for split in ('train', 'val', 'test'):
        parts.append(cfg.get(f'{split}_dataloader'))
        evaluators = cfg.get(f'{split}_evaluator')
        parts += evaluators if isinstance(evaluators, list | tuple) else [evaluators]
    while parts:
        part = parts.pop(0)
        if isinstance(part, dict):
            yield part
            parts += [part.get('dataset'), *(part.get('datasets') or ())]
