"""From a name in the model zoo, a config file or an inline dict to a model, and where its weights lie."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log
from mmengine.registry import MODELS
from torch import nn

from ..differences import flat
from ..errors import ConfigError, check_flags
from .names import find_model, listed_weights
from .pretrained import scope_of, without_augments, without_pretrained
from .weights import load_teacher_weights

ZOO = 'zoo'
OTHER_INPUTS = {  # what MMAction2's recognizers that take no clip or picture alone are fed with
    'RecognizerGCN': 'skeletons',
    'RecognizerAudio': 'sound',
    'RecognizerOmni': 'pictures and clips by turns',
    'MMRecognizer3D': 'several kinds of data at once',
}


def resolve_model(spec: dict, key: str, num_classes: int | None = None) -> tuple[ConfigDict, str | None]:
    """Resolves a student's or a teacher's entry in a config.

    Args:
        spec: ``config``: a zoo name (``'mmaction::recognition/x3d/....py'``), a name of ``mmpretrain.get_model``
            (``'resnet18_8xb32_in1k'``), the path of a config file, or a model dict. ``model`` (optional): overrides
            merged into it. ``checkpoint`` (optional): ``'zoo'``, a path, or an http(s) address.
            ``compile`` (optional, of a teacher): whether its forward is compiled, which is left to the caller.
        key: Where the entry stands (``model.teachers.vit``), for errors.
        num_classes: Put in place of every ``num_classes`` of the model; None leaves them alone.

    Returns:
        The complete model config, and the path or address of its weights or None. With weights, whatever in the config
        would load others (ImageNet initialisation) is taken out: building such a model downloads nothing. Mixup and
        its kin are taken out as well: the distiller blends the picture or clip that all share.

    Raises:
        ConfigError: If the entry has unknown keys, or names no config, or 'zoo' has no weights for it, or its model
            takes neither clips nor pictures.
    """
    if not isinstance(spec, dict) or 'config' not in spec:
        raise ConfigError(f'{key} must be a dict with a `config` (a zoo name, a path or a model dict), got {spec!r}')
    known = ('config', 'model', 'checkpoint', *(('compile',) if key.startswith('model.teachers.') else ()))
    if unknown := set(spec) - set(known):
        raise ConfigError(f'{key} has unknown keys {sorted(unknown)}; known are {", ".join(known)}')
    check_flags(**{f'{key}.compile': spec.get('compile', False)})
    config = spec['config']
    if isinstance(config, dict):
        model = copy.deepcopy(config)
    else:
        model = _model_of_file(find_model(config, f'{key}.config'), f'{key}.config')
    if not isinstance(spec.get('model') or {}, dict):
        raise ConfigError(f'{key}.model must be a dict of overrides, got {spec["model"]!r}')
    whole = Config(dict(model=model))
    try:
        whole.merge_from_dict(dict(model=copy.deepcopy(spec.get('model') or {})))
    except (TypeError, KeyError) as error:
        raise ConfigError(f'{key}.model does not fit the model of {key}.config: {error}') from error
    model = whole.model
    scope = scope_of(model)
    if scope != 'mmaction':
        model.setdefault('_scope_', scope)
    check_input(model, scope, key)
    model, augments = without_augments(model)
    if augments:
        print_log(
            f'{key}: {augments} of its own config left out; model.blending blends for all models', logger='current'
        )
    if num_classes is not None:
        set_num_classes(model, num_classes)
    checkpoint = spec.get('checkpoint')
    if checkpoint is None:
        return model, None
    if not isinstance(checkpoint, str | Path) or not str(checkpoint):
        raise ConfigError(f"{key}.checkpoint must be 'zoo', a path or an http(s) address, got {checkpoint!r}")
    if checkpoint == ZOO:
        if isinstance(config, dict):
            raise ConfigError(
                f"{key}.checkpoint='zoo' needs the name of a zoo config in {key}.config, not a model dict"
            )
        checkpoint = listed_weights(config, f'{key}.config')
        if checkpoint is None:
            raise ConfigError(
                f"{key}.checkpoint='zoo': the zoo's metafile lists no weights for {str(config)!r}; "
                'give a path or an http(s) address'
            )
    return without_pretrained(model), str(checkpoint)


def random_start(config: str, key: str) -> dict[str, Any]:
    """The overrides (``model`` of an entry) with which a model of a config begins from random weights.

    Many a config names weights on the way, such as those of ImageNet that TSM and Video Swin begin with.

    Args:
        config: The config, by a name in a zoo or its path.
        key: What names it, for errors.

    Returns:
        What of the model is to be changed; empty where nothing would be loaded.
    """
    model = _model_of_file(find_model(config, key), key)
    return ConfigDict(_changes(model, without_pretrained(model))).to_dict()


def _changes(before: Mapping, after: Mapping) -> dict[str, Any]:
    """What one dict merges into another to make it a third."""
    found = {}
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found |= {name: inner} if (inner := _changes(old, new)) else {}
        elif old != new:
            found[name] = new
    return found


def _model_of_file(path: Path, key: str) -> ConfigDict:
    """Reads a config file and returns its model, data preprocessor included."""
    try:
        cfg = Config.fromfile(path)
    except Exception as error:
        raise ConfigError(f'{key}: {str(path)!r} cannot be read: {type(error).__name__}: {error}') from error
    if not isinstance(cfg.get('model'), dict):
        raise ConfigError(f'{key}: {str(path)!r} has no `model`')
    model = cfg.model
    if 'data_preprocessor' in cfg:  # MMPretrain's configs hold it beside the model
        model.setdefault('data_preprocessor', cfg.data_preprocessor)
    if cfg.get('default_scope', 'mmaction') != 'mmaction':
        model.setdefault('_scope_', cfg.default_scope)
    return model


def check_input(model: dict, scope: str, key: str) -> None:
    """Refuses a recognizer of skeletons, of sound or of several kinds of data: views are of frames alone."""
    kind = model.get('type')
    if isinstance(kind, str):
        kind = MODELS.get(kind if '.' in kind else f'{scope}.{kind}')
    for base in getattr(kind, '__mro__', ()):
        if base.__name__ in OTHER_INPUTS:
            raise ConfigError(
                f'{key}: {kind.__name__} takes {OTHER_INPUTS[base.__name__]}, and a distiller hands frames to its '
                'models: give a Recognizer2D, a Recognizer3D or a classifier of MMPretrain'
            )


def set_num_classes(cfg: dict | list, num_classes: int, top: bool = True) -> None:
    """Puts a class count everywhere in a model config where one stands: head, auxiliary head, blending."""
    if isinstance(cfg, dict):
        if top:
            for head in (cfg.get('cls_head'), cfg.get('head')):
                if isinstance(head, dict):
                    head['num_classes'] = num_classes
            if str(cfg.get('type')).endswith('TimmClassifier'):  # timm's models have 1000 classes unless told
                cfg['num_classes'] = num_classes
        if 'num_classes' in cfg:
            cfg['num_classes'] = num_classes
        if isinstance(cfg.get('aux_head_cfg'), dict):  # TPN's neck
            cfg['aux_head_cfg']['out_channels'] = num_classes
    for value in cfg.values() if isinstance(cfg, dict) else cfg:
        if isinstance(value, dict | list | tuple):
            set_num_classes(value, num_classes, top=False)


def build_model(spec: dict, key: str, num_classes: int | None) -> tuple[nn.Module, str | None]:
    """Builds a student or teacher from its spec; gives it with its checkpoint's path or address."""
    cfg, address = resolve_model(spec, key, num_classes)
    return build_resolved(cfg), address


def build_resolved(cfg: dict) -> nn.Module:
    """Builds a model from the complete config that :func:`resolve_model` gives."""
    return MODELS.build({'_scope_': 'mmaction', **cfg})


def build_teacher(spec: dict, name: str, num_classes: int | None) -> nn.Module:
    """Builds a teacher and loads its weights; one without a checkpoint is an error."""
    key = f'model.teachers.{name}'
    cfg, address = resolve_model(spec, key, num_classes)
    if address is None:
        raise ConfigError(f"{key} has no checkpoint: give 'zoo', a path or an http(s) address")
    settings = flat('model', cfg, empty=True)
    model = build_resolved(cfg)
    load_teacher_weights(model, address, f'{key}.checkpoint')
    model._settings = settings
    return model
