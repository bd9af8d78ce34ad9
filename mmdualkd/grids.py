"""Grids of features brought to a common size, and the cells of one as a model's own head judges them.

Averages here are products with small matrices: unlike PyTorch's adaptive pooling they are deterministic on CUDA,
forward and backward, and a cell may reach over a fraction of another.
"""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn

from .errors import ConfigError

WHOLE = (0.0, 1.0)


def pool_grid(grid: Tensor, size: Sequence[int], window: tuple[float, float] = WHOLE) -> Tensor:
    """Averages a grid over the cells of a coarser one; an axis that fits already is left alone.

    Args:
        grid: (N, C, T, H, W).
        size: (T', H', W'). Along an axis that has fewer cells than that, cells are repeated.
        window: The part of the time axis to use, as fractions of it.

    Returns:
        Tensor: (N, C, T', H', W'), laid out in this order, as a cache gives it: products with it round alike.
    """
    for axis, (cells, span) in enumerate(zip(size, (window, WHOLE, WHOLE), strict=True), start=2):
        if grid.size(axis) != cells or span != WHOLE:
            weights = _averages(grid.size(axis), cells, span, grid.device, grid.dtype)
            grid = (grid.movedim(axis, -1) @ weights).movedim(-1, axis)
    return grid.contiguous()


def stretch_grid(grid: Tensor, size: Sequence[int]) -> Tensor:
    """Interpolates linearly along the axes of (N, C, T, H, W) that have fewer cells than ``size``."""
    for axis, cells in enumerate(size, start=2):
        if grid.size(axis) < cells:
            weights = _interpolation(grid.size(axis), cells, grid.device, grid.dtype)
            grid = (grid.movedim(axis, -1) @ weights).movedim(-1, axis)
    return grid


@lru_cache(maxsize=256)
@torch.inference_mode(False)  # what is kept shall serve training too
def _averages(cells: int, out: int, span: tuple[float, float], device: torch.device, dtype: torch.dtype) -> Tensor:
    """(cells, out): how much of each new cell lies in each old one."""
    edges = torch.linspace(span[0] * cells, span[1] * cells, out + 1, dtype=torch.float64)
    old = torch.arange(cells, dtype=torch.float64)[:, None]
    overlap = (torch.minimum(edges[1:], old + 1) - torch.maximum(edges[:-1], old)).clamp_min(0)
    return (overlap / overlap.sum(0)).to(device, dtype)


@lru_cache(maxsize=256)
@torch.inference_mode(False)
def _interpolation(cells: int, out: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(cells, out): the two old cells next to the middle of each new one, by distance."""
    middle = ((torch.arange(out, dtype=torch.float64) + 0.5) * cells / out - 0.5).clamp(0, cells - 1)
    return (1 - (middle - torch.arange(cells, dtype=torch.float64)[:, None]).abs()).clamp_min(0).to(device, dtype)


@torch.no_grad()
def score_cells(model: nn.Module, grid: Tensor) -> Tensor:
    """Runs a model's own head on every cell of a grid of its features, as if the cell were all there is.

    Of a head that averages the grid and then maps it linearly, the mean of these scores is the model's own score.

    Args:
        model: A recognizer of MMAction2 or classifier of MMPretrain in eval mode.
        grid: Its features (N, C, T, H, W), or averages of them.

    Returns:
        Tensor: (N, classes, T, H, W), of the grid's type, laid out in this order.

    Raises:
        ConfigError: If the head takes no single vector.
    """
    cells = grid.movedim(1, -1)  # (N, T, H, W, C)
    rows = cells.flatten(0, 3).to(next(model.parameters()).dtype)
    head = getattr(model, 'cls_head', None) or getattr(model, 'head', None) or model
    try:
        scores = _score_rows(model, head, rows)
        return scores.to(grid.dtype).unflatten(0, cells.shape[:4]).movedim(-1, 1).contiguous()
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, IndexError, TypeError, AttributeError, AssertionError) as error:
        raise ConfigError(f'{type(head).__name__} gives no scores for a single vector of features: {error}') from error


def _score_rows(model: nn.Module, head: nn.Module, rows: Tensor) -> Tensor:
    """Scores (M, classes) of feature vectors (M, C)."""
    if hasattr(model, 'cls_head'):
        from mmaction.models.heads import TRNHead, X3DHead

        if isinstance(head, TRNHead):  # one relation of frames, all of them this one
            return head(rows[:, :, None, None].repeat_interleave(head.num_segments, 0), head.num_segments)
        if isinstance(head, X3DHead) or not isinstance(getattr(head, 'fc_cls', None), nn.Linear):
            return head(rows[:, :, None, None, None])
        return head.fc_cls(rows)  # the others average, tokens and segments included, and then do this
    net = getattr(model, 'model', None)
    if hasattr(net, 'forward_head'):  # MMPretrain's wrapper of timm
        if getattr(net, 'global_pool', '') in ('token', 'avg') and hasattr(net, 'num_prefix_tokens'):
            return net.forward_head(rows[:, None].expand(-1, net.num_prefix_tokens + 1, -1))
        return net.forward_head(rows[:, :, None, None])
    if getattr(model, 'with_neck', False) and _changes_vectors(model.neck):
        rows = model.neck((rows[:, :, None, None],))[-1]
    if hasattr(getattr(head, 'layers', None), 'head_dist'):  # DeiT's two tokens
        return head(([rows, rows],))
    return head((rows,))


def _changes_vectors(neck: nn.Module) -> bool:
    """Whether a classifier's neck does more than average cells, so that it changes even a single one."""
    from mmpretrain.models.necks import GlobalAveragePooling

    return not isinstance(neck, GlobalAveragePooling)
