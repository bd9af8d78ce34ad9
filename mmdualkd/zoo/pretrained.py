"""Model configs without what belongs to another training: weights loaded on the way, augmentations of batches."""

import copy
import inspect

from mmengine.config import ConfigDict
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from ..errors import ConfigError

# Arguments of backbones that make them load weights, and the value that makes them not. An argument of the last group
# loads by default, so it is set wherever the class knows it.
PATHS = ('pretrained', 'pretrain_2d', 'pretrained_type')
ZOOS = ('mmaction', 'mmpretrain')
SWITCHES = ('pretrained2d', 'clip_pretrained')


def without_pretrained(model: dict) -> ConfigDict:
    """Takes out of a model config what would load other weights when the model is built or initialised.

    Args:
        model: A model config of MMAction2 or MMPretrain.

    Returns:
        A copy of it: ``pretrained`` and its kin are None or False, ``init_cfg`` of the type ``Pretrained`` is gone.
    """
    model = ConfigDict(copy.deepcopy(model))
    _clean(model, scope_of(model))
    return model


def without_augments(model: dict) -> tuple[ConfigDict, str]:
    """Takes out of a model config what blends its batches: MMPretrain's ``augments``, MMAction2's ``blending``.

    Args:
        model: A model config.

    Returns:
        A copy without them, and their names for a log (empty if there were none).
    """
    model = ConfigDict(copy.deepcopy(model))
    train_cfg, preprocessor = model.get('train_cfg') or {}, model.get('data_preprocessor') or {}
    found = [train_cfg.pop('augments', None), (preprocessor.pop('batch_augments', None) or {}).get('augments')]
    found.append(preprocessor.pop('blending', None))
    train_cfg.pop('probs', None)
    if 'train_cfg' in model and not train_cfg:
        del model['train_cfg']
    parts = [part for parts in found if parts for part in (parts if isinstance(parts, list | tuple) else [parts])]
    return model, ' and '.join(str(part if isinstance(part, str) else part['type']) for part in parts)


def scope_of(model: dict) -> str:
    """The registry scope that a model config is meant for.

    That is its own ``_scope_``, its type's prefix, or of the default scope, MMAction2 and MMPretrain the first that
    knows its type.
    """
    if '_scope_' in model:
        return model['_scope_']
    kind, default = str(model.get('type')), DefaultScope.get_current_instance()
    prefix, _, name = kind.rpartition('.')
    wanted = [prefix, default.scope_name if default else '', *ZOOS]
    scopes = [scope for scope in dict.fromkeys(wanted) if scope in ZOOS]
    return next((scope for scope in scopes if prefix or MODELS.get(f'{scope}.{name}') is not None), 'mmaction')


def check_pretrained(model: nn.Module, key: str) -> None:
    """Refuses a model, initialised, whose ``init_cfg`` names weights that a backbone with ``pretrained`` never read.

    MMAction2's ResNet3d and its kin look at ``pretrained`` alone, and begin from random weights otherwise.

    Args:
        model: The model.
        key: Where it stands in the config, for errors.

    Raises:
        ConfigError: Names the backbone and its own argument.
    """
    for name, module in model.named_modules():
        inits = getattr(module, 'init_cfg', None) or []
        loading = [init for init in ([inits] if isinstance(inits, dict) else inits) if _loads(init)]
        if loading and not getattr(module, '_is_init', True) and getattr(module, 'pretrained', '') is None:
            more = ', with pretrained2d=False where they are of clips' if hasattr(module, 'pretrained2d') else ''
            raise ConfigError(
                f'{key}: {type(module).__name__} ({name}) does not read init_cfg={dict(loading[0])}, and begins from '
                f'random weights: name them in pretrained={loading[0].get("checkpoint")!r}{more}'
            )


def _clean(cfg: dict | list | tuple, scope: str) -> None:
    """Cleans a part of a model config in place."""
    if isinstance(cfg, dict):
        for name in PATHS:
            if cfg.get(name) is not None:
                cfg[name] = False if isinstance(cfg[name], bool) else None
        known = _arguments(cfg.get('type'), scope)
        for name in SWITCHES:
            if name in cfg or name in known:
                cfg[name] = False
        if str(cfg.get('type')).startswith('torchvision.'):
            cfg.pop('weights', None)
        init_cfg = cfg.get('init_cfg')
        if isinstance(init_cfg, list | tuple):
            cfg['init_cfg'] = [part for part in init_cfg if not _loads(part)]
        elif _loads(init_cfg):
            del cfg['init_cfg']
    for value in cfg.values() if isinstance(cfg, dict) else cfg:
        if isinstance(value, dict | list | tuple):
            _clean(value, scope)


def _loads(init_cfg: dict | None) -> bool:
    """Whether an initialisation is one that loads a checkpoint."""
    if not isinstance(init_cfg, dict):
        return False
    kind = init_cfg.get('type')
    return (kind if isinstance(kind, str) else getattr(kind, '__name__', '')).rpartition('.')[2] == 'Pretrained'


def _arguments(kind: str | type | None, scope: str) -> set[str]:
    """Names of the arguments that a registered class and its bases take; empty if it is not registered."""
    if isinstance(kind, str):
        kind = MODELS.get(kind if '.' in kind else f'{scope}.{kind}')
    names: set[str] = set()
    for base in kind.__mro__ if inspect.isclass(kind) else ():
        if '__init__' in vars(base):
            parameters = inspect.signature(base.__init__).parameters
            names.update(parameters)
            if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
                break  # it hands no other arguments to its bases
    return names
