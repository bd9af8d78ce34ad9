"""A fixed map to fewer channels."""

import torch
from torch import Tensor, nn


class OrthogonalProjection(nn.Module):
    """A fixed semi-orthogonal map of channels; nothing in it trains, so it cannot collapse.

    Args:
        in_channels: Channels of the features.
        dim: Channels of the projection.
    """

    def __init__(self, in_channels: int, dim: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        basis = torch.linalg.qr(torch.randn(max(dim, in_channels), min(dim, in_channels), generator=generator)).Q
        self.register_buffer('map', basis if dim > in_channels else basis.t().contiguous())  # (dim, in_channels)

    def forward(self, grid: Tensor) -> Tensor:
        """Projects (N, C, T, H, W) to (N, dim, T, H, W)."""
        return (grid.movedim(1, -1) @ self.map.t()).movedim(-1, 1)
