"""Child registries of MMEngine's: names in a config find their modules without import side effects.

A config reaches them with the scope prefix (``type='mmdualkd.DualTeacherDistiller'``); inside a distiller the
prefix may be left out, because :func:`build` looks in this scope first.
"""

import difflib
from typing import Any

from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import Registry

from .errors import ConfigError

SCOPE = 'mmdualkd'

MODELS = Registry(
    'model',
    parent=MMENGINE_MODELS,
    scope=SCOPE,
    locations=[f'{SCOPE}.{room}' for room in ('losses', 'weighting', 'heads', 'distillers')],
)
TRANSFORMS = Registry(
    'transform', parent=MMENGINE_TRANSFORMS, scope=SCOPE, locations=[f'{SCOPE}.views', f'{SCOPE}.datasets']
)
DATASETS = Registry('dataset', parent=MMENGINE_DATASETS, scope=SCOPE, locations=[f'{SCOPE}.datasets'])
HOOKS = Registry('hook', parent=MMENGINE_HOOKS, scope=SCOPE, locations=[f'{SCOPE}.hooks'])


def build(cfg: dict, key: str, **defaults: Any) -> Any:
    """Builds a module of this package's ``MODELS`` from its config.

    Args:
        cfg: A config with ``type``; types of other packages need their scope prefix (``'mmaction.X'``).
        key: Where the config stands, as the user wrote it (``model.terms.kd``); named in errors.
        **defaults: Arguments that the config may override.

    Returns:
        The module.

    Raises:
        ConfigError: If ``type`` is missing or not registered, or its arguments do not fit.
    """
    if not isinstance(cfg, dict) or 'type' not in cfg:
        raise ConfigError(f'{key} must be a dict with a `type`, got {cfg!r}')
    name = cfg['type']
    if isinstance(name, str) and MODELS.get(name) is None:
        near = difflib.get_close_matches(name, MODELS.module_dict, n=1, cutoff=0.4)
        hint = f'; did you mean {near[0]!r}?' if near else ''
        raise ConfigError(f'{key}.type={name!r} is not registered in {SCOPE}{hint} Known: {sorted(MODELS.module_dict)}')
    try:
        return MODELS.build({**defaults, **cfg, '_scope_': SCOPE})
    except TypeError as error:
        raise ConfigError(f'{key}: {error}') from error
