"""Learning rates against the batch that they are for."""

import logging
from typing import Any

from mmengine.dist import get_world_size
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner


def samples_a_step(runner: Runner, wrapper: OptimWrapper | OptimWrapperDict) -> tuple[int, str]:
    """How many samples a step of the optimizer learns from, over processes and accumulation, and what makes them up."""
    loader = runner.train_dataloader
    size = loader.batch_size or getattr(loader.batch_sampler, 'batch_size', None) or 1
    counts = getattr(wrapper, '_accumulative_counts', 1)
    parts = f'batch_size={size} x processes={get_world_size()} x accumulative_counts={counts}'
    return size * get_world_size() * counts, parts


def tell_batch(runner: Runner) -> None:
    """Warns where learning rates are for another batch than the one that is trained with."""
    scale = runner.cfg.get('auto_scale_lr') or {}
    base = scale.get('base_batch_size')
    batch, parts = samples_a_step(runner, runner.optim_wrapper)
    if base and batch != base and not scale.get('enable'):
        message = (
            f'the learning rate is for batches of {base}, but a step has {batch} ({parts}): by the linear rule it '
            f'would be {batch / base:g} times as high, which --auto-scale-lr makes it'
        )
        print_log(message, logger='current', level=logging.WARNING)


def scale(runner: Runner, wrapper: OptimWrapper | OptimWrapperDict, auto_scale_lr: dict[str, Any]) -> None:
    """Scales learning rates by the linear rule (https://arxiv.org/abs/1706.02677), accumulated batches counted.

    MMEngine's own rule leaves accumulation out, and so does it a schedule that sets the rate by itself (``eta_max`` of
    OneCycleLR).

    Args:
        runner: The runner, with its train loop built and its schedules not yet.
        wrapper: Its optimizer.
        auto_scale_lr: The setting: ``base_batch_size``, the batch that the learning rate is for.
    """
    base = auto_scale_lr['base_batch_size']
    batch, parts = samples_a_step(runner, wrapper)
    for one in wrapper.values() if isinstance(wrapper, OptimWrapperDict) else [wrapper]:
        for group in one.optimizer.param_groups:
            group['lr'] *= batch / base
    schedules = runner.param_schedulers or []
    for schedule in [schedules] if isinstance(schedules, dict) else schedules:
        if isinstance(schedule, dict) and 'eta_max' in schedule:
            schedule['eta_max'] *= batch / base
    print_log(
        f'the learning rate is for batches of {base}, and a step has {batch} ({parts}): scaled by {batch / base:g}',
        logger='current',
    )
