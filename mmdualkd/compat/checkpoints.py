"""Cures of how checkpoints are written and read."""

import functools
import os
import pickle
from collections.abc import Callable
from typing import Any

from ..files import open_whole, replacing


def resume_with_weights_only(execute: Callable[[], None]) -> None:
    """torch 2.6 and later load checkpoints with ``weights_only=True``; MMEngine's hold its log as numpy arrays.

    The types of that log are declared safe: MMEngine's ``HistoryBuffer`` and numpy's arrays and numbers. Files that
    numpy 1 wrote name two of numpy's functions otherwise, so these are declared under both names. A ``HistoryBuffer``
    also names four of its own methods, which pickle writes as ``getattr(HistoryBuffer, 'mean')``; ``getattr`` itself
    would not be safe, so in a checkpoint that name stands for a function that gives these four, and what
    :func:`resume_one_cycle` needs, and nothing else.
    """
    execute()
    import numpy as np
    import torch
    from mmengine.logging.history_buffer import HistoryBuffer

    rebuild = np.zeros(0).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    dtypes = {type(np.dtype(code)) for code in np.typecodes['AllInteger'] + np.typecodes['Float'] + '?'}
    allowed = [HistoryBuffer, np.ndarray, np.dtype, *dtypes]
    for package in ('numpy.core', 'numpy._core'):
        allowed += [(rebuild, f'{package}.multiarray._reconstruct'), (scalar, f'{package}.multiarray.scalar')]
    torch.serialization.add_safe_globals([*allowed, (_getattr_in_checkpoint, 'builtins.getattr')])


def resume_one_cycle(execute: Callable[[], None]) -> None:
    """``OneCycleLR`` saves one of its own two functions, by name, in every checkpoint; its class is declared safe."""
    execute()
    import torch
    from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

    torch.serialization.add_safe_globals([OneCycleParamScheduler])


def _getattr_in_checkpoint(owner: Any, name: str) -> Callable:
    from mmengine.logging.history_buffer import HistoryBuffer
    from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

    allowed = {
        HistoryBuffer: ('min', 'max', 'current', 'mean'),
        OneCycleParamScheduler: ('_annealing_cos', '_annealing_linear'),
    }
    if name not in allowed.get(owner, ()):
        raise pickle.UnpicklingError(f'a checkpoint may not ask for the attribute {name!r} of {owner!r}')
    return getattr(owner, name)


def checkpoint_cut_short(execute: Callable[[], None]) -> None:
    """A checkpoint is written straight to its name: a kill or a full disk leaves half of it, and the old one is lost.

    All files that MMEngine's local backend writes appear whole, or not at all. See :func:`.files.replacing`.
    """
    execute()
    from mmengine.fileio.backends.local_backend import LocalBackend

    put = LocalBackend.put

    @functools.wraps(put)
    def cured(self: Any, obj: bytes, filepath: Any) -> None:
        if os.path.exists(filepath) and not os.path.isfile(filepath):  # a device, a pipe
            return put(self, obj, filepath)
        with replacing(filepath) as part:
            put(self, obj, part)

    LocalBackend.put = cured


def last_checkpoint_cut_short(execute: Callable[[], None]) -> None:
    """The same for the text file ``last_checkpoint``, which is all that ``CheckpointHook`` opens itself."""
    execute()
    from mmengine.hooks import checkpoint_hook

    checkpoint_hook.open = open_whole
