"""Mixup and cutmix for the picture or clip that all models share."""

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping

from mmaction.models.utils.blending_utils import BaseMiniBatchBlending
from mmengine.registry import MODELS as MMENGINE_MODELS

from ..errors import ConfigError, check_name
from ..registry import check_arguments

KEY = 'model.blending'


def build_blending(cfg: Mapping) -> Callable:
    """Builds what blends a batch.

    Args:
        cfg: Of MMAction2's blending of clips, with its ``type`` (``MixupBlending``); or, for pictures, the ``augments``
            and ``probs`` of MMPretrain's ``RandomBatchAugment``.

    Returns:
        The blending; it is a ``BaseMiniBatchBlending`` where it is for clips.

    Raises:
        ConfigError: If a type or an argument is unknown, or a value cannot work.
    """
    if not isinstance(cfg, Mapping) or not cfg:
        raise ConfigError(f"{KEY} must be a dict with mmaction2's `type`, or for pictures `augments`; got {cfg!r}")
    cfg = copy.deepcopy(dict(cfg))  # RandomBatchAugment adds to the list of probs
    try:
        return _of_clips(cfg) if 'type' in cfg else _of_pictures(cfg)
    except (TypeError, ValueError, AssertionError, KeyError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f'{KEY}={cfg!r}: {" ".join(str(error).split())}') from error


def check_blending(blending: Callable | None, of_pictures: bool) -> None:
    """Refuses a blending of clips for pictures, and the other way round."""
    if blending is not None and isinstance(blending, BaseMiniBatchBlending) == of_pictures:
        wanted = "pictures: `augments` and `probs`, as in dict(augments=[dict(type='Mixup', alpha=0.8)])"
        if not of_pictures:
            wanted = "clips: a `type`, as in dict(type='MixupBlending', alpha=0.8, num_classes=...)"
        raise ConfigError(f'{KEY}: the student takes {wanted}')


def check_blended_classes(blending: Callable | None, classes: int) -> None:
    """Refuses soft labels over another number of classes than the student's."""
    for part in () if blending is None else (blending, *(getattr(blending, 'augments', None) or ())):
        count = getattr(part, 'num_classes', classes)
        if count not in (None, classes):
            raise ConfigError(f'{KEY}: num_classes={count} of {type(part).__name__}, but the student has {classes}')


def _of_clips(cfg: dict) -> Callable:
    root = MMENGINE_MODELS.children['mmaction']
    known = [name for name, cls in root.module_dict.items() if _blends(cls)]
    kind = MMENGINE_MODELS.get(cfg['type'] if '.' in str(cfg['type']) else f'mmaction.{cfg["type"]}')
    if not _blends(kind):
        check_name(f'{KEY}.type', cfg['type'], known, 'blending of mmaction2')
    check_arguments(KEY, kind, cfg.keys() - {'type'})
    for key, part in _augments(cfg):  # of mmaction2's RandomBatchAugment
        check_name(f'{key}.type', part['type'], known, 'blending of mmaction2')
        check_arguments(key, root.get(part['type']), part.keys() - {'type'})
    return MMENGINE_MODELS.build({'_scope_': 'mmaction', **cfg})


def _of_pictures(cfg: dict) -> Callable:
    from mmpretrain.models.utils.batch_augments import RandomBatchAugment
    from mmpretrain.registry import BATCH_AUGMENTS

    check_arguments(KEY, RandomBatchAugment, cfg.keys())
    for key, part in _augments(cfg):
        check_name(f'{key}.type', part['type'], BATCH_AUGMENTS.module_dict, 'batch augmentation of mmpretrain')
        check_arguments(key, BATCH_AUGMENTS.get(part['type']), part.keys() - {'type'})
    return RandomBatchAugment(**cfg)


def _augments(cfg: dict) -> Iterator[tuple[str, dict]]:
    """The configs that a random choice is among, each with its key."""
    augments = cfg.get('augments', [])
    for number, part in enumerate(augments if isinstance(augments, list | tuple) else [augments]):
        key = f'{KEY}.augments[{number}]'
        if not isinstance(part, Mapping) or 'type' not in part:
            raise ConfigError(f'{key} must be a dict with a `type`, got {part!r}')
        yield key, part


def _blends(cls: object) -> bool:
    return inspect.isclass(cls) and issubclass(cls, BaseMiniBatchBlending)
