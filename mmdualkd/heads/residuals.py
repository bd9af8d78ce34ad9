"""What a ViT teacher sees and a CNN teacher does not, in a space that both have in common.

Each residual takes the two teachers' grids, (N, C_ViT, T, H, W) and (N, C_CNN, T, H, W), label distributions (N,
classes), and what averages over the samples that have one (:meth:`~mmdualkd.losses.term.Step.mean_of_labelled`). It
gives the residual (N, channels, T, H, W) and the loss of its own training, a scalar.
"""

from collections.abc import Callable

import torch
import torch.distributed as dist
from mmengine.dist import get_world_size
from torch import Tensor, nn

from ..global_batch import batch_mean, standardise_channels
from .projection import OrthogonalProjection

Mean = Callable[[Tensor], Tensor]
RIDGE = 0.01  # in units of a channel's variance


class ClassMapResidual(nn.Module):
    r"""Difference of the two teachers' class maps, each standardised over the classes of each cell.

    A class map is what a teacher's own head says of each cell of its grid (:func:`~mmdualkd.grids.score_cells`), so
    that a channel means the same in both. Identical teachers leave exactly 0. Nothing here trains.

    Args:
        classes: Channels of the class maps.
        dim: More classes than that are brought to it by a fixed semi-orthogonal map.
    """

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.channels = min(classes, dim)
        self.project = OrthogonalProjection(classes, dim) if classes > dim else nn.Identity()

    def forward(self, vit: Tensor, cnn: Tensor, labels: Tensor, mean: Mean = batch_mean) -> tuple[Tensor, Tensor]:
        """See the module; the grids are standardised class maps."""
        return self.project(vit - cnn), vit.new_zeros(())


class ExplainedAwayResidual(nn.Module):
    r"""The ViT's features less what a ridge regression on the CNN's predicts of them, then a fixed projection.

    .. math::
        r = P \left[ v - C_{vc} (C_{cc} + \lambda I)^{-1} c \right]

    with v and c the features of a cell, their channels standardised, C their second moments over all cells of all
    training clips so far, in all processes, and :math:`\lambda` = 0.01. Identical teachers leave no more than
    :math:`\lambda / (s + \lambda)` of a direction whose variance is s. Nothing here trains.

    A regression on few distinct cells (clips times cells of the grid) beside many CNN channels explains by chance what
    only the ViT sees; with ten times as many cells as channels a tenth of its variance goes.

    Args:
        vit_channels: Channels of the ViT's grid.
        cnn_channels: Channels of the CNN's grid.
        dim: Channels of the residual.
    """

    def __init__(self, vit_channels: int, cnn_channels: int, dim: int) -> None:
        super().__init__()
        self.channels = dim
        self.project = OrthogonalProjection(vit_channels, dim)
        self.cnn_channels = cnn_channels
        both = cnn_channels + vit_channels
        self.register_buffer('count', torch.zeros(()))
        self.register_buffer('mean', torch.zeros(both))
        self.register_buffer('scatter', torch.zeros(cnn_channels, both))  # of the CNN's channels with all
        self.register_buffer('square', torch.zeros(both))  # each channel's own

    def forward(self, vit: Tensor, cnn: Tensor, labels: Tensor, mean: Mean = batch_mean) -> tuple[Tensor, Tensor]:
        """See the module; in training the moments take in the batch first."""
        cells = torch.cat([cnn, vit], dim=1).movedim(1, -1)  # (N, T, H, W, C_CNN + C_ViT)
        if self.training:
            self._learn(cells.flatten(0, 3))
        deviation = (self.square / self.count).clamp_min(1e-10).sqrt()
        c, v = ((cells - self.mean) / deviation).split([self.cnn_channels, vit.size(1)], dim=-1)
        moments = self.scatter / self.count / deviation[: self.cnn_channels, None] / deviation
        of_c, of_v = moments.split([self.cnn_channels, vit.size(1)], dim=1)
        identity = torch.eye(self.cnn_channels, device=of_c.device, dtype=of_c.dtype)
        weights, _ = torch.linalg.solve_ex(of_c + RIDGE * identity, of_v)  # unlike solve it waits for no device
        return self.project((v - c @ weights).movedim(-1, 1)), vit.new_zeros(())

    @torch.no_grad()
    def _learn(self, rows: Tensor) -> None:
        """Adds the rows of all processes (M, C) to the moments, without a large mean cancelling a small spread."""
        count, total = rows.new_full((), len(rows)), rows.sum(0)
        if several := get_world_size() > 1:
            dist.all_reduce(count)
            dist.all_reduce(total)
        mean = total / count
        centred = rows - mean
        scatter, square = centred[:, : self.cnn_channels].t() @ centred, centred.square().sum(0)
        if several:
            dist.all_reduce(scatter)
            dist.all_reduce(square)
        shift, whole = mean - self.mean, self.count + count
        between = self.count * count / whole
        self.scatter += scatter + between * torch.outer(shift[: self.cnn_channels], shift)
        self.square += square + between * shift.square()
        self.mean += shift * (count / whole)
        self.count.copy_(whole)


class SharedHeadResidual(nn.Module):
    """Difference of two learned projections that one class head reads.

    Both maps start alike and learn from the labels through the same linear head, so that a direction of the common
    space means the same classes for both, and neither can collapse. No gradient of the residual's use reaches them.
    Identical teachers leave exactly 0.

    Args:
        vit_channels: Channels of the ViT's grid.
        cnn_channels: Channels of the CNN's grid.
        dim: Channels of the residual.
        classes: Classes of the head.
    """

    def __init__(self, vit_channels: int, cnn_channels: int, dim: int, classes: int) -> None:
        super().__init__()
        self.channels = dim
        self.of_vit, self.of_cnn = nn.Conv3d(vit_channels, dim, 1), nn.Conv3d(cnn_channels, dim, 1)
        if vit_channels == cnn_channels:
            self.of_cnn.load_state_dict(self.of_vit.state_dict())
        self.head = nn.Linear(dim, classes)

    def forward(self, vit: Tensor, cnn: Tensor, labels: Tensor, mean: Mean = batch_mean) -> tuple[Tensor, Tensor]:
        """See the module."""
        vit, cnn = self.of_vit(standardise_channels(vit)), self.of_cnn(standardise_channels(cnn))
        loss = sum(mean(-labels * self.head(part.mean((2, 3, 4))).log_softmax(dim=1)) for part in (vit, cnn))
        return (vit - cnn).detach(), loss
