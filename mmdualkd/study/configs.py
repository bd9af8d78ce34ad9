"""Configs of a study's rows, with their options merged in."""

import copy
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..arguments import read_written
from ..checkpoint import model_state_dict, read_checkpoint
from ..dataset_configs import plain_configs
from ..differences import flat
from ..errors import CheckpointError
from ..fragments import TERMS, merge_options
from ..launch import read_config
from ..registry import build
from ..settings import check_settings
from ..top_keys import settle
from ..unread import check_read
from ..zoo.weights import digest

DECIDES = ('model', 'train_dataloader', 'val_dataloader', 'val_evaluator', 'train_cfg', 'optim_wrapper')
DECIDES += ('param_scheduler', 'custom_hooks', 'load_from')
WEIGHTS = 'weights in'  # how the keys of weights begin
OF_WORKERS = ('num_workers', 'persistent_workers', 'prefetch_factor', 'pin_memory')

_read = cache(read_config)


def config_of(file: str, options: Mapping[str, Any]) -> Config:
    """A row's config with its options merged in, as on the command line."""
    cfg = _merged(file, {key: read_written(value) for key, value in options.items()})
    settle(cfg, file)
    return cfg


def what_decides(file: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What of a row's config, with its options, decides what a training reaches.

    Returns:
        Plain values by their full keys, and what the weights of the files that it names, and that are there, are known
        again by.
    """
    found, cfg = {}, config_of(file, options)
    for key in DECIDES:
        part = cfg.get(key)
        if key.endswith('_dataloader') and isinstance(part, Mapping):
            part = {name: value for name, value in part.items() if name not in OF_WORKERS}
        found |= flat(key, part)
    return found | {
        f'{WEIGHTS} {path.parent.name}/{path.name}': _weights(path, path.stat().st_mtime_ns)
        for path in files_of(cfg)
        if path.suffix == '.pth' and path.is_file() and _weights(path, path.stat().st_mtime_ns)
    }


@cache
def _weights(path: Path, time: int) -> str | None:
    """By what a file's weights are known again; None of one that cannot be read, of which the training tells."""
    try:
        return digest(model_state_dict(read_checkpoint(path, 'checkpoint')))[:8]
    except CheckpointError:
        return None


def _merged(file: str, options: Mapping[str, Any]) -> Config:
    cfg = copy.deepcopy(_read(file))
    merge_options(cfg, options)
    return cfg


@cache
def _check_merged(file: str, named: tuple[tuple[str, str], ...]) -> None:
    options = {key: read_written(value) for key, value in named}
    cfg = _merged(file, options)
    check_settings(cfg)
    check_read(cfg, file, options)
    settle(cfg, file)


def check_keys(file: str, options: Mapping[str, Any]) -> None:
    """Refuses settings that a row's training would refuse, hours later, when its teachers have been trained."""
    _check_merged(file, tuple((key, str(value)) for key, value in options.items()))


@cache
def _check_terms(file: str, named: tuple[tuple[str, str], ...]) -> None:
    cfg = _merged(file, {key: read_written(value) for key, value in named})
    for name, term in (cfg.model.get(TERMS) or {}).items():
        if isinstance(term, Mapping) and 'type' in term:  # another changes a default term
            build(term, f'model.terms.{name}')


def check_terms(file: str, options: Mapping[str, Any]) -> None:
    """Refuses what a row's options say of terms if they name no method, not for a config like that, or do not build."""
    of_terms = {key: value for key, value in options.items() if key.removeprefix('model.').partition('.')[0] == TERMS}
    if of_terms:
        _check_terms(file, tuple((key, str(value)) for key, value in of_terms.items()))


def views_option(file: str, views: int) -> dict[str, int]:
    """The options that give all data sets inside a training's wrappers so many views."""
    found = plain_configs(_read(file).train_dataloader.dataset, ('train_dataloader', 'dataset'))
    return {'.'.join(map(str, (*path, 'num_views'))): views for path, _ in found}


def files_of(cfg: Config) -> list[Path]:
    """Where a model, and what a training loads, may name files, absolute: a teacher's checkpoint, for one."""
    texts = [*_texts(cfg.model), *_texts(cfg.get('load_from'))]
    return [Path(os.path.abspath(os.path.expanduser(text))) for text in texts if '://' not in text]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
