"""Features and statistics of the global batch, over all processes."""

import torch
import torch.distributed as dist
from mmengine.dist import get_world_size
from torch import Tensor
from torch.distributed.nn.functional import all_gather

from .errors import ConfigError


def gather_batch(rows: Tensor) -> Tensor:
    """Joins the rows of all processes, (N, ...) -> (world N, ...), gradients included.

    Each process's rows receive the sum of all processes' gradients; DDP then divides by their number, so a loss over
    the gathered rows trains as it would in one process with the whole batch.

    Raises:
        ConfigError: If the processes hold different numbers of rows; checked on the CPU, where it costs no wait.
    """
    if get_world_size() == 1:
        return rows
    if rows.device.type == 'cpu':
        check_even(len(rows))
    if rows.requires_grad:
        return torch.cat(all_gather(rows))
    parts = [torch.empty_like(rows) for _ in range(get_world_size())]
    dist.all_gather(parts, rows.contiguous())
    return torch.cat(parts)


def check_even(rows: int) -> None:
    """Raises the same :class:`ConfigError` in every process unless all of them hold as many rows."""
    counts = [torch.empty(1, dtype=torch.long) for _ in range(get_world_size())]
    dist.all_gather(counts, torch.tensor([rows]))
    counts = [int(count) for count in counts]
    if len(set(counts)) > 1:
        raise ConfigError(
            f'the processes hold {counts} samples, by rank, and a loss over the global batch needs as many in each: '
            'set train_dataloader.sampler.round_up=True'
        )


@torch.no_grad()
def standardise_channels(grid: Tensor) -> Tensor:
    """Gives each channel of (N, C, ...) zero mean and unit variance over the global batch; for frozen features.

    In two passes, and no process needs as many rows as another.
    """
    dims = [0, *range(2, grid.dim())]
    shape = (1, -1, *[1] * (grid.dim() - 2))
    cells = grid.numel() // grid.size(1)
    centred = grid - over_processes(grid.mean(dims), cells).view(shape)
    # The mean again: what rounding left of it.
    mean, square = over_processes(torch.stack([centred.mean(dims), centred.square().mean(dims)]), cells)
    std = (square - mean.square()).clamp_min(0).add(1e-5).sqrt()
    return (centred - mean.view(shape)) / std.view(shape)


def batch_mean(values: Tensor) -> Tensor:
    """The mean over the rows of (N, ...), other axes summed: ``mean`` of (N,), and the reduction ``'batchmean'``."""
    return values.mean() if values.dim() == 1 else values.sum() / len(values)


@torch.no_grad()
def mean_rows(counted: Tensor) -> Tensor:
    """How many rows of a mask (N,) are true in a process, on average over all of them; at least a part of one."""
    count = counted.sum().float()
    if get_world_size() > 1:
        dist.all_reduce(count)
    return count.clamp_min(1) / get_world_size()


def over_processes(means: Tensor, count: int) -> Tensor:
    """Means of all processes' values from the means of each one's ``count`` values."""
    if get_world_size() == 1:
        return means
    sums = torch.cat([means.flatten() * count, means.new_full((1,), count)])
    dist.all_reduce(sums)
    return (sums[:-1] / sums[-1]).view_as(means)
