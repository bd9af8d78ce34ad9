"""Child registries of MMEngine's: names in a config find their modules without import side effects.

A config reaches them with the scope prefix (``type='mmdualkd.DualTeacherDistiller'``); inside a distiller the
prefix may be left out, because :func:`build` looks in this scope first.
"""

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import Registry

from .errors import ConfigError, nearest

SCOPE = 'mmdualkd'

MODELS = Registry(
    'model',
    parent=MMENGINE_MODELS,
    scope=SCOPE,
    locations=[f'{SCOPE}.{room}' for room in ('losses', 'weighting', 'distillers')],
)
TRANSFORMS = Registry(
    'transform', parent=MMENGINE_TRANSFORMS, scope=SCOPE, locations=[f'{SCOPE}.views', f'{SCOPE}.datasets']
)
DATASETS = Registry('dataset', parent=MMENGINE_DATASETS, scope=SCOPE, locations=[f'{SCOPE}.datasets'])
HOOKS = Registry('hook', parent=MMENGINE_HOOKS, scope=SCOPE, locations=[f'{SCOPE}.hooks'])


def build(cfg: dict, key: str) -> Any:
    """Builds a module of this package's ``MODELS`` from its config.

    A constructor's :class:`~mmdualkd.errors.ConfigError` that begins with the name of one of its arguments (``tau must
    be positive``) is continued to the full key (``model.terms.kd.tau must be positive``), at any depth.

    Args:
        cfg: A config with ``type``; types of other packages need their scope prefix (``'mmaction.X'``).
        key: Where the config stands, as the user wrote it (``model.terms.kd``); named in errors.

    Returns:
        The module.

    Raises:
        ConfigError: If ``type`` is missing or not registered, or its arguments do not fit.
    """
    if not isinstance(cfg, dict) or not cfg.get('type'):
        raise ConfigError(f'{key} must be a dict with a `type`, got {cfg!r}')
    kind = cfg['type']
    maker = MODELS.get(kind) if isinstance(kind, str) else kind
    if not callable(maker):
        known, others = sorted(MODELS.module_dict), MODELS.root.children.values()
        elsewhere = [one.scope for one in others if str(kind) in one.module_dict]
        hint = f'; did you mean {f"{elsewhere[0]}.{kind}"!r}?' if elsewhere else nearest(str(kind), known)
        raise ConfigError(
            f'{key}.type={kind!r} is not registered in {SCOPE}{hint} (there are: {", ".join(map(repr, known))})'
        )
    check_arguments(key, maker, set(cfg) - {'type', '_scope_'})
    try:
        return MODELS.build({**cfg, '_scope_': SCOPE})
    except ConfigError as error:
        message = str(error)
        joint = '.' if re.match(r'\w*', message)[0] in arguments_of(maker) else ': '
        raise ConfigError(f'{key}{joint}{message}') from error
    except TypeError as error:
        raise ConfigError(f'{key}: {error}') from error


def check_arguments(key: str, maker: Callable, given: set[str]) -> None:
    """Raises a :class:`ConfigError` unless a class or function takes what it is given, and is given what it needs."""
    named, open_ended = parameters_of(maker)
    takes = f'({getattr(maker, "__name__", maker)} takes: {", ".join(named) or "no arguments"})'
    for name in sorted(given - set(named)):
        if not open_ended:
            raise ConfigError(f'{key}: unknown argument {name!r}{nearest(name, named)} {takes}')
    for name, parameter in named.items():
        if parameter.default is parameter.empty and name not in given:
            raise ConfigError(f'{key}: argument {name!r} is missing {takes}')


@functools.lru_cache(maxsize=1 << 12)
def parameters_of(maker: Callable) -> tuple[dict[str, inspect.Parameter], bool]:
    """Gives the named parameters of a class or function, and whether it takes others (``**kwargs``)."""
    from torch import nn  # importing this package does not import torch

    if getattr(maker, '__init__', None) is nn.Module.__init__:  # it takes any, only to refuse them
        return {}, False
    parameters = inspect.signature(maker).parameters.values()
    named = {p.name: p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    return named, any(p.kind is p.VAR_KEYWORD for p in parameters)


@functools.lru_cache(maxsize=1 << 12)
def arguments_of(maker: Callable) -> frozenset[str]:
    """Names of the arguments of a class or function, with those of the bases that a class may hand some on to."""
    kinds = inspect.getmro(maker)[:-1] if inspect.isclass(maker) else [maker]
    return frozenset(name for kind in kinds for name in parameters_of(kind)[0])
