"""Features and statistics of the global batch, over all processes."""

import torch
import torch.distributed as dist
from mmengine.dist import get_world_size
from torch import Tensor
from torch.distributed.nn.functional import all_gather


def gather_batch(rows: Tensor) -> Tensor:
    """Joins the rows of all processes, (N, ...) -> (world N, ...), gradients included.

    Each process's rows receive the sum of all processes' gradients; DDP then divides by their number, so a loss over
    the gathered rows trains as it would in one process with the whole batch.
    """
    if get_world_size() == 1:
        return rows
    if rows.requires_grad:
        return torch.cat(all_gather(rows))
    parts = [torch.empty_like(rows) for _ in range(get_world_size())]
    dist.all_gather(parts, rows.contiguous())
    return torch.cat(parts)


@torch.no_grad()
def standardise_channels(grid: Tensor, eps: float = 1e-5) -> Tensor:
    """Gives each channel of (N, C, ...) zero mean and unit variance over the global batch; for frozen features."""
    dims = [0, *range(2, grid.dim())]
    moments = torch.stack([grid.mean(dims), grid.square().mean(dims)])
    if get_world_size() > 1:
        dist.all_reduce(moments)
        moments /= get_world_size()
    mean, square = moments
    shape = (1, -1, *[1] * (grid.dim() - 2))
    std = (square - mean.square()).clamp_min(0).add(eps).sqrt()
    return (grid - mean.view(shape)) / std.view(shape)
