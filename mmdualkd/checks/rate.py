"""What the learning rate does to weights and loss."""

import math
import time
from collections.abc import Iterator

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict

from ..batch_size import batch_of
from ..findings import Finding
from .job import Job
from .speed import ENOUGH, to_first_weights, training_pace

UPDATES = 4  # that are made on one batch
GROWS = 5.0  # times as high as at first the loss may get, where there is no warm-up
REPLACED, NOTHING = 1.0, 1e-9  # of their own size that an update moves the weights by
WHAT = 'updates'


def check_rate(job: Job) -> Iterator[Finding]:
    """A few updates of the first weights, on one batch and at the schedule's highest rate, move them as they should."""
    training_pace(job)  # what cannot be trained has been told by then
    wrapper = job.training().optim_wrapper
    if isinstance(wrapper, OptimWrapperDict):  # several optimizers, each of a part
        return
    rate = _to_the_highest(wrapper)
    moved, losses = _updates(job, wrapper)
    key = 'optim_wrapper.optimizer.lr'
    text = f'an update at the highest rate, {rate:.3g}, moves the weights by {moved:.2g} of their size'
    shown = ', '.join(f'{loss:.3g}' for loss in losses)
    if not math.isfinite(losses[0]):  # check_step tells of it
        return
    if not math.isfinite(moved) or not all(map(math.isfinite, losses)) or moved > REPLACED:
        yield Finding('error', WHAT, f'{text}; loss on one batch {shown}: lower {key} by far')
    elif moved < NOTHING:
        yield Finding('error', WHAT, f'{text}: nothing is learned. Raise {key}, or look at what is frozen')
    elif max(losses) > GROWS * max(losses[0], 1.0):
        advice = f'lower {key}, unless a long warm-up leads there'
        yield Finding('warning', WHAT, f'{text}; the loss on one batch grows, {shown}: {advice}')
    else:
        yield Finding('fine', WHAT, f'{text}; loss on one batch {shown}')


def _to_the_highest(wrapper: OptimWrapper) -> float:
    """Sets the rates that the schedules lead up to; gives the highest."""
    for group in wrapper.optimizer.param_groups:
        group['lr'] = group.get('max_lr', group.get('initial_lr', group['lr']))  # OneCycleLR's, other schedules'
    return max(group['lr'] for group in wrapper.optimizer.param_groups)


def _updates(job: Job, wrapper: OptimWrapper) -> tuple[float, list[float]]:
    """Makes some updates from the first weights on; gives the largest by the weights' size, and the loss before each.

    The optimizer's memory of earlier steps is cleared.
    """
    model, data, begin = job.model, job.batch('train', 0), time.perf_counter()
    model.train()
    weights = job.weights()
    to_first_weights(job)
    wrapper.optimizer.state.clear()
    wrapper.zero_grad()
    wrapper.initialize_count_status(model, 0, -1)  # as if training began, and had no end in which fewer accumulate
    moved, losses = 0.0, []
    while len(losses) < UPDATES and (len(losses) < 2 or time.perf_counter() - begin < ENOUGH):
        before = [weight.detach().clone().cpu() for weight in weights]
        for _ in range(batch_of(job.cfg).accumulated):
            told = model.train_step(data, optim_wrapper=wrapper)
        losses.append(torch.as_tensor(told['loss']).detach().item())
        with torch.no_grad():
            change = [(weight.cpu() - old).norm() for weight, old in zip(weights, before, strict=True)]
            size = torch.stack([old.norm() for old in before]).norm()
            share = torch.stack(change).norm() / size.clamp(min=1e-12)
        moved = max(moved, share.item(), key=lambda value: math.inf if math.isnan(value) else value)
    return moved, losses
