"""One number of classes: `num_classes` at the top of a config and the model's own.

Configs write ``model = dict(num_classes=_base_.num_classes)``, which is settled when that file is read: a leaf that
replaces one of the two leaves the other behind. The one that was changed last is meant.
"""

import os
from pathlib import Path

from mmengine.config import Config

from .errors import ConfigError
from .zoo.resolve import set_num_classes

# ``num_classes`` at the top, the model's, and the one that is meant; None where there is none
Counts = tuple[int | None, int | None, int | None]


def meant_num_classes(cfg: Config, path: str | Path) -> int | None:
    """Which number of classes a config means.

    Args:
        cfg: The config, with ``--cfg-options`` merged in.
        path: The file that it was read from.

    Returns:
        The number; None if the config names none.

    Raises:
        ConfigError: If one file sets both, to different numbers.
    """
    top, own = _counts(cfg)
    if top is None or own is None or top == own:
        return own if top is None else top
    return _settle(top, own, _file_counts(path))


def _file_counts(path: str | Path) -> Counts:
    """The two numbers of classes in a config file, and the one that is meant."""
    top, own = _counts(Config.fromfile(path, import_custom_modules=False))
    if top is None or own is None or top == own:
        return top, own, own if top is None else top
    bases = [Config._get_cfg_path(base, str(path))[0] for base in Config._get_base_files(os.path.abspath(path))]
    counts = zip(*map(_file_counts, bases), strict=True)
    before = tuple(next((value for value in values if value is not None), None) for values in counts)
    return top, own, _settle(top, own, before or (None, None, None))


def _settle(top: int, own: int, before: Counts) -> int | None:
    """Which of two different numbers is meant, from what they were before: the one that was changed."""
    if (top, own) == before[:2]:
        return before[2]
    if top != before[0] and own != before[1]:
        raise ConfigError(f'num_classes={top} at the top of the config, but {own} in its model: write one of the two')
    return own if top == before[0] else top


def apply_num_classes(cfg: Config, classes: int | None) -> None:
    """Puts a number of classes where the config has another: at its top, in its model, in its data sets."""
    top, own = _counts(cfg)
    if classes is None or (own is None and 'student' not in cfg.model):
        return
    if top is not None:
        cfg.num_classes = classes
    if 'student' in cfg.model:
        cfg.model.num_classes = classes
    elif own != classes:
        set_num_classes(cfg.model, classes)
    loaders = [cfg.get(f'{split}_dataloader') for split in ('train', 'val', 'test')]
    for part in [cfg.get('data_preprocessor'), *loaders]:
        while isinstance(part, dict):
            if part.get('num_classes') in {top, own} - {None}:
                part.num_classes = classes
            part = part.get('dataset')


def _counts(cfg: Config) -> tuple[int | None, int | None]:
    """``num_classes`` at the top of a config, and its model's or its model's head's."""
    model = cfg.get('model')
    model = model if isinstance(model, dict) else {}
    places = [model] if 'student' in model else [model.get('cls_head'), model.get('head'), model]
    own = next((place['num_classes'] for place in places if isinstance(place, dict) and 'num_classes' in place), None)
    top = cfg.get('num_classes')
    return tuple(value if isinstance(value, int) else None for value in (top, own))
