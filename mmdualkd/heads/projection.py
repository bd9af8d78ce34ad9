"""Projections of teachers' features to a common number of channels."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..global_batch import standardise_channels


class OrthogonalProjection(nn.Module):
    """A fixed semi-orthogonal map of channel-standardised features; nothing in it trains, so it cannot collapse.

    Args:
        in_channels: Channels of the features.
        dim: Channels of the projection.
        seed: Seed of the random map.
    """

    def __init__(self, in_channels: int, dim: int, seed: int) -> None:
        super().__init__()
        random = torch.randn(
            max(dim, in_channels), min(dim, in_channels), generator=torch.Generator().manual_seed(seed)
        )
        basis = torch.linalg.qr(random).Q
        self.register_buffer('map', basis if dim > in_channels else basis.t().contiguous())  # (dim, in_channels)

    def forward(self, grid: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Projects (N, C, T, H, W) to (N, dim, T, H, W); the second value, the loss of its own training, is 0."""
        projected = torch.einsum('dc,ncthw->ndthw', self.map, standardise_channels(grid))
        return projected, grid.new_zeros(())


class ClassifiedProjection(nn.Module):
    """A 1x1x1 convolution of channel-standardised features that learns from a class head of its own.

    Args:
        in_channels: Channels of the features.
        dim: Channels of the projection.
        num_classes: Classes of the head.
    """

    def __init__(self, in_channels: int, dim: int, num_classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(in_channels, dim, 1)
        self.head = nn.Linear(dim, num_classes)

    def forward(self, grid: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Projects (N, C, T, H, W) to (N, dim, T, H, W) and gives the cross-entropy of its head with the labels."""
        projected = self.conv(standardise_channels(grid))
        logits = self.head(F.relu(projected).mean((2, 3, 4)))
        return projected, F.cross_entropy(logits, labels)
