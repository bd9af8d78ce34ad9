"""Where in a config an error comes from that others raised while they built what it describes."""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

from mmengine.config import Config

PARTS = {  # what a Runner's methods build
    'build_dataloader': 'dataloader',
    'build_model': 'model',
    'build_optim_wrapper': 'optim_wrapper',
    'build_param_scheduler': 'param_scheduler',
    'scale_lr': 'auto_scale_lr',
    'build_train_loop': 'train_cfg',
    'build_val_loop': 'val_cfg',
    'build_test_loop': 'test_cfg',
    'build_evaluator': 'evaluator',
    'build_visualizer': 'visualizer',
    'register_default_hooks': 'default_hooks',
    'register_custom_hooks': 'custom_hooks',
    'set_randomness': 'randomness',
    'setup_env': 'env_cfg',
    '_maybe_compile': 'compile',
}


def explain(error: BaseException) -> str | None:
    """One line that names the part of a config whose building failed.

    Args:
        error: What a tool raised; its config is found among the variables of the calls that led there.

    Returns:
        Key, and type and message of the error; None if it was not raised while something was built.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    cfg = config_of(error)
    message = f'{type(error).__name__}: {" ".join(str(error).split()) or "no more is said"}{_cure(error, frames)}'
    kind = ''
    for frame in reversed(frames):
        name, values = frame.f_code.co_name, frame.f_locals
        if name in ('run_iter', 'train_step', 'call_hook', 'load_or_resume'):
            return None
        if name == 'build_from_cfg' and isinstance(values.get('cfg'), Mapping):
            named = values['cfg'].get('type')
            kind = kind or f' ({getattr(named, "__name__", named)})'
            if key := key_of(values['cfg'], cfg):
                return f'{key}{kind}: {message}{_doubt(error, values["cfg"])}'
        elif name in PARTS:
            part = next(
                (values[key] for key in ('dataloader', 'evaluator') if isinstance(values.get(key), Mapping)), {}
            )
            return f'{key_of(part, cfg) or PARTS[name]}{kind}: {message}'
    return None


def _cure(error: BaseException, frames: Sequence[FrameType]) -> str:
    """What to do about a one-cycle schedule that divides by the length of a rise of one step."""
    steps = next((frame.f_locals for frame in frames if 'pct_start' in frame.f_locals), None)
    if not isinstance(error, ZeroDivisionError) or steps is None:
        return ''
    count, part = getattr(steps.get('self'), 'total_steps', None), steps['pct_start']
    return f'; pct_start={part} of {count} steps is a rise of one step: give it another pct_start, or train longer'


def _doubt(error: BaseException, part: Mapping) -> str:
    """Asks whether a data set of the libraries fails since its list or folder is of another kind."""
    read = ', '.join(f'{name}={part[name]!r}' for name in ('ann_file', 'data_prefix') if part.get(name))
    unread = isinstance(error, LookupError | ValueError | AssertionError) and read
    return f'; are {read} what this kind of data set reads?' if unread else ''


def config_of(error: BaseException) -> dict[str, Any]:
    """The config of the tool that an error ended, from the variables of the calls that led there; empty without one."""
    configs = (frame.f_locals.get('cfg') for frame, _ in traceback.walk_tb(error.__traceback__))
    return next((one.to_dict() for one in configs if isinstance(one, Config)), {})


def key_of(part: Mapping, cfg: Mapping) -> str | None:
    """The dotted key at which an equal dict stands in a config; None if none does."""
    return next((key for key, value in _dicts(cfg, '') if _plain(value) == _plain(part)), None)


def _dicts(value: Any, key: str) -> Iterator[tuple[str, Mapping]]:
    if isinstance(value, Mapping):
        if key:
            yield key, value
        children = value.items()
    else:
        children = enumerate(value) if isinstance(value, list | tuple) else ()
    for name, child in children:
        yield from _dicts(child, f'{key}.{name}' if key else str(name))


def _plain(part: Mapping) -> dict:
    return {name: value for name, value in part.items() if name != '_scope_'}
