"""What goes wrong in the jobs of tests, at a chosen iteration: import it by `custom_imports`."""

import os
import signal
import time

import torch
from mmengine.hooks import Hook
from mmengine.logging import MessageHub, print_log
from mmengine.registry import HOOKS, TRANSFORMS

from mmdualkd.errors import DataError
from mmdualkd.losses import Term
from mmdualkd.registry import MODELS

OUT_OF_MEMORY = (
    'CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 15.78 GiB of which 1.00 MiB is free.'
)


@HOOKS.register_module(force=True)
class FailHook(Hook):
    """Ends the last process before a step, says something before another.

    Args:
        how: ``'bug'``, ``'memory'``, ``'kill'``, ``'interrupt'`` (by itself, as Ctrl-C does) or ``''``.
        at: The iteration, from 1.
    """

    def __init__(self, how: str = '', at: int = 3) -> None:
        self.how = how
        self.at = at

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if runner.iter + 1 != self.at or runner.rank != runner.world_size - 1:
            return
        print_log("a hook of the user's speaks", logger='current')
        if self.how == 'bug':
            raise KeyError('a bug')
        if self.how == 'memory':
            raise torch.OutOfMemoryError(OUT_OF_MEMORY)
        if self.how == 'kill':
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == 'terminate':
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        if self.how == 'interrupt':
            signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has it ignored
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)


@TRANSFORMS.register_module(force=True)
class RefuseClip:
    """A transform that takes no clip."""

    def __call__(self, results: dict) -> dict:
        raise DataError('no clip is good enough')


@MODELS.register_module(force=True)
class SpoiltTerm(Term):
    """Nothing, but for one iteration.

    Args:
        how: ``'forward'``: the loss is NaN; ``'backward'``: it is 0, its gradient is NaN.
        at: The iteration, from 1.
        weight: See :class:`Term`.
    """

    def __init__(self, how: str = 'forward', at: int = 3, weight: float = 1.0) -> None:
        super().__init__(weight)
        self.how = how
        self.at = at

    def forward(self, step) -> torch.Tensor:
        nothing = step.student.logits.sum() * 0
        if MessageHub.get_current_instance().get_info('iter', 0) + 1 != self.at:
            return nothing
        return torch.log(nothing - 1) if self.how == 'forward' else torch.sqrt(nothing)
