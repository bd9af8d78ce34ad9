"""The structure-discrepancy branch."""

from mmcv.cnn import NonLocal3d
from torch import Tensor, nn


class SqueezeExcite(nn.Module):
    """Channel attention (Hu et al., https://arxiv.org/abs/1709.01507), its bottleneck a quarter as wide.

    Args:
        channels: Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(channels // 4, 1)
        self.gate = nn.Sequential(
            nn.Conv3d(channels, hidden, 1),
            nn.ReLU(inplace=True),
            nn.Conv3d(hidden, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Scales the channels of (N, C, T, H, W)."""
        return x * self.gate(x.mean((2, 3, 4), keepdim=True))


class StructureDiscrepancyBranch(nn.Module):
    """SDB: a small non-local block with squeeze-and-excitation on the student's last stage, gone after training.

    The kind of block is second-hand knowledge of DTKD (https://arxiv.org/abs/2511.09469); its layers and widths are our
    reconstruction: 1x1x1 convolution, embedded-Gaussian non-local, squeeze-and-excitation, 1x1x1 convolution. No layer
    of it depends on the batch.

    Args:
        in_channels: Channels of the student's grid.
        dim: Channels of the residual that it predicts, and its own width.
    """

    def __init__(self, in_channels: int, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv3d(in_channels, dim, 1),
            NonLocal3d(dim, mode='embedded_gaussian'),
            SqueezeExcite(dim),
            nn.Conv3d(dim, dim, 1),
        )

    def forward(self, grid: Tensor) -> Tensor:
        """Predicts the residual: (N, C, T, H, W) -> (N, dim, T, H, W)."""
        return self.layers(grid)
