"""What a training config may say: the keys that a Runner reads, and the arguments of what it builds from them."""

import difflib
import functools
import inspect
import re
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Any

from mmengine import registry
from mmengine.config import Config
from mmengine.registry import Registry

from .errors import ConfigError, nearest
from .registry import SCOPE, arguments_of, parameters_of
from .setting_values import FACTORS, check_values

LOOPS = dict(val_cfg='ValLoop', test_cfg='TestLoop')
DEFAULT_HOOKS = ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint')
LOADER = {'dataset', 'sampler', 'batch_sampler', 'collate_fn', 'worker_init_fn', 'num_batch_per_epoch'}
# What the Runner itself hands to the constructors: no config says it.
HANDED = {'runner', 'dataloader', 'optimizer', 'params'}


def check_settings(cfg: Config) -> None:
    """Refuses misspelt keys of a config before anything is built from it.

    A key at the top is refused only if it is all but the name of one that the Runner reads (``train_dataloder``): other
    names are the user's own variables. Inside the settings of loops, optimizer, schedules, hooks, data loaders and
    metrics, and at the top of the model, a key must be an argument of what is built there.

    Args:
        cfg: The whole config.

    Raises:
        ConfigError: Names the key and the nearest right one.
    """
    from mmaction.registry import RUNNERS  # noqa: F401  (MMAction2's scope, for types without one)
    from mmengine.runner import Runner

    known = [*inspect.signature(Runner.__init__).parameters, 'custom_imports', 'runner_type', 'num_classes']
    for name in cfg:
        near = misspelt(name, known)
        if near:
            raise ConfigError(f'{name}: no setting has this name; did you mean {near!r}?')
    if cfg.get('device') is not None:
        check_device('device', cfg.device)
    scope = cfg.get('default_scope', 'mmengine')
    for key, part, where, more, default in _parts(cfg):
        _check_part(key, part, where, more, default, scope)
    check_values(cfg)


def misspelt(name: str, known: Iterable[str]) -> str | None:
    """The known name that another all but equals; None for names of one's own, such as ``train_dataloader_small``."""
    for other in known if name not in known else ():
        swapped = sorted(name) == sorted(other)
        if swapped or len(other) >= 7 and not re.search(rf'(^|_){other}(_|\d|$)', name) and alike(name, other):
            return other
    return None


@functools.lru_cache(maxsize=1 << 14)
def alike(name: str, other: str) -> bool:
    """Whether two names differ as a slip of the hand makes them: a letter more, less or other, or in another order."""
    matcher = difflib.SequenceMatcher(None, name, other)
    ratios = matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio  # the first two are quick upper bounds
    return sorted(name) == sorted(other) or all(ratio() >= 0.9 for ratio in ratios)


def check_device(key: str, device: str) -> None:
    """Refuses a device that this machine has not, or that no setting can choose."""
    import torch

    if not re.fullmatch(r'cpu|cuda(:\d+)?', str(device)):
        raise ConfigError(f"{key}={device!r}: known are 'cpu' and 'cuda'")
    if key == 'device' and device == 'cpu' and torch.cuda.is_available():
        raise ConfigError(
            "device='cpu' changes nothing: MMEngine takes a GPU where there is one; hide it by CUDA_VISIBLE_DEVICES=''"
        )
    if str(device).startswith('cuda') and not torch.cuda.is_available():
        raise ConfigError(f'{key}={device!r}: torch finds no GPU here; leave it out to run on the CPU')


def _parts(cfg: Config) -> Iterable[tuple[str, Any, Registry, set[str], str | None]]:
    """The parts of a config that are checked: key, settings, registry, further keys, the type where none is given."""
    train = cfg.get('train_cfg')
    if isinstance(train, dict):
        kind = 'EpochBasedTrainLoop' if train.get('by_epoch', True) else 'IterBasedTrainLoop'
        yield 'train_cfg', train, registry.LOOPS, {'by_epoch'}, kind
    for key, kind in LOOPS.items():
        yield key, cfg.get(key), registry.LOOPS, set(), kind
    wrapper = cfg.get('optim_wrapper')
    if isinstance(wrapper, dict) and 'constructor' not in wrapper:  # another constructor may take other keys
        keys = {'optimizer', 'paramwise_cfg'}
        yield 'optim_wrapper', wrapper, registry.OPTIM_WRAPPERS, keys, 'OptimWrapper'
        optimizer, paramwise = wrapper.get('optimizer'), wrapper.get('paramwise_cfg')
        yield 'optim_wrapper.optimizer', optimizer, registry.OPTIMIZERS, set(), None
        rates = paramwise.get('custom_keys') if isinstance(paramwise, dict) and isinstance(optimizer, dict) else None
        for name, part in rates.items() if isinstance(rates, dict) else ():
            if isinstance(part, dict):  # its settings go into the parameters' group
                part = {**part, 'type': optimizer.get('type')}
                yield f'optim_wrapper.paramwise_cfg.custom_keys.{name}', part, registry.OPTIMIZERS, set(FACTORS), None
    for key, part in _each('param_scheduler', cfg.get('param_scheduler')):
        yield key, part, registry.PARAM_SCHEDULERS, {'convert_to_iter_based'}, None
    for name, part in (cfg.get('default_hooks') or {}).items():
        if isinstance(part, dict) and 'type' not in part:
            raise ConfigError(f'default_hooks.{name} has no type{nearest(name, DEFAULT_HOOKS)}')
        yield f'default_hooks.{name}', part, registry.HOOKS, {'priority'}, None
    for key, part in _each('custom_hooks', cfg.get('custom_hooks')):
        yield key, part, registry.HOOKS, {'priority'}, None
    for split in ('train', 'val', 'test'):
        loader = cfg.get(f'{split}_dataloader')
        if isinstance(loader, dict):
            _check_loader(f'{split}_dataloader', loader)
            yield f'{split}_dataloader.sampler', loader.get('sampler'), registry.DATA_SAMPLERS, {'dataset'}, None
            yield f'{split}_dataloader.dataset', loader.get('dataset'), registry.DATASETS, set(), None
        for key, part in _each(f'{split}_evaluator', cfg.get(f'{split}_evaluator')):
            yield key, part, registry.METRICS, set(), None
    yield 'model', cfg.get('model'), registry.MODELS, set(), None


def _each(key: str, parts: Any) -> Iterable[tuple[str, Any]]:
    """The entries of a list by their keys, or a single one."""
    if isinstance(parts, list | tuple):
        return [(f'{key}.{index}', part) for index, part in enumerate(parts)]
    return [(key, parts)]


def _check_part(key: str, part: Any, where: Registry, more: set[str], default: str | None, scope: str) -> None:
    """Refuses arguments that what is built from a part of a config does not take."""
    if not isinstance(part, dict) or not isinstance(part.get('type', default), str | type):
        return
    built = kind = part.get('type', default)
    if isinstance(kind, str):
        inner = _of_scope(where, part.get('_scope_') or scope)
        built = inner.get(kind)
        if built is None:
            if (package := part.get('_scope_')) and find_spec(package) is None:
                raise ConfigError(f'{key}: {kind} is of the package {package!r}, which is not installed')
            names = {name for one in (inner, where, *where.children.values()) for name in one.module_dict}
            name = kind.rpartition('.')[2]
            scopes = [one.scope for one in (where, *where.children.values()) if name in one.module_dict]
            hint = (
                f' in the scope {scope!r}; did you mean {f"{scopes[0]}.{name}"!r}?' if scopes else _nearest(name, names)
            )
            raise ConfigError(f'{key}.type={kind!r} is not registered{hint}')
    known, closed = (arguments_of(built) - HANDED) | more, _takes_no_others(built)
    for name in part:
        if name in known or name == 'type' or name.startswith('_'):
            continue
        if closed or any(alike(name, other) for other in known):  # what else **kwargs may hold is not known
            raise ConfigError(f'{key}.{name}: {built.__name__} takes no such argument{_nearest(name, known)}')


def _of_scope(where: Registry, scope: str) -> Registry:
    """The registry of a scope; MMEngine, which imports its package, is asked for it once, for it sleeps each time."""
    if (known := where if scope == where.scope else where.children.get(scope)) is not None:
        return known
    with where.switch_scope_and_registry(scope) as inner:
        return inner


@functools.lru_cache(maxsize=1 << 10)
def _takes_no_others(built: Callable) -> bool:
    """Whether a class or function takes its named arguments and no others, or is known to hand others to its bases.

    Of a class with ``**kwargs`` that is known if MMEngine or this package wrote it.
    """
    for kind in inspect.getmro(built)[:-1] if inspect.isclass(built) else [built]:
        if inspect.isclass(kind) and '__init__' not in vars(kind):
            continue
        if not parameters_of(kind)[1]:
            return True
        if kind.__module__.partition('.')[0] not in (SCOPE, 'mmengine'):
            return False
    return not any('__init__' in vars(kind) for kind in inspect.getmro(built)[:-1]) if inspect.isclass(built) else False


def _check_loader(key: str, loader: dict) -> None:
    """Refuses keys of a data loader that neither MMEngine nor torch knows."""
    from torch.utils.data import DataLoader

    known = LOADER | arguments_of(DataLoader)
    for name in loader:
        if name not in known:
            raise ConfigError(f'{key}.{name}: a data loader takes no such argument{_nearest(name, known)}')


def _nearest(name: str, known: set[str]) -> str:
    """Ends an error with the nearest of the right names, and with all of them where they are few."""
    hint = nearest(name, sorted(known))
    return f'{hint} (there are: {", ".join(sorted(known))})' if len(known) <= 12 else hint
