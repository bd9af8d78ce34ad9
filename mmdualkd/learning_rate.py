"""Learning rates against the batch that they are for."""

import logging

from mmengine.dist import get_world_size
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner

from .batch_size import batch_of


def tell_batch(runner: Runner) -> None:
    """Warns where learning rates are for another batch than the one that is trained with."""
    batch = batch_of(runner.cfg, get_world_size())
    if batch.factor != 1 and not batch.scaled:
        message = (
            f'the learning rate is for batches of {batch.base}, and a batch has {batch}: by the linear rule it would '
            f'be {batch.factor:.3g} times as high, which --auto-scale-lr makes it'
        )
        print_log(message, logger='current', level=logging.WARNING)


def scale(runner: Runner, wrapper: OptimWrapper | OptimWrapperDict, processes: int | None = None) -> None:
    """Scales learning rates by the linear rule, accumulated batches counted.

    MMEngine's own rule leaves accumulation out, and rates that schedules name by themselves: ``eta_max`` of OneCycleLR,
    and ``eta_min``, below which the scaled rate of a small batch may lie, so that a cosine would make it rise.

    Args:
        runner: The runner, whose schedules are not built yet.
        wrapper: Its optimizer.
        processes: Processes that train together; None takes those that there are.
    """
    batch = batch_of(runner.cfg, processes or get_world_size())
    for one in wrapper.values() if isinstance(wrapper, OptimWrapperDict) else [wrapper]:
        for group in one.optimizer.param_groups:
            group['lr'] *= batch.factor
    schedules = runner.param_schedulers or []
    for schedule in [schedules] if isinstance(schedules, dict) else schedules:
        for key in ('eta_max', 'eta_min') if isinstance(schedule, dict) and _of_rates(schedule) else ():
            if schedule.get(key):
                schedule[key] *= batch.factor
    message = f'the learning rate is for batches of {batch.base}, and a batch has {batch}: scaled by {batch.factor:.3g}'
    print_log(message, logger='current')


def _of_rates(schedule: dict) -> bool:
    """Whether a schedule moves learning rates, and no momentum."""
    kind = schedule.get('type')
    name = kind if isinstance(kind, str) else getattr(kind, '__name__', '')
    return schedule.get('param_name', 'lr') == 'lr' and not name.endswith('Momentum')
