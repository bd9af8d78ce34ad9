"""The projector from a CNN's grid to a transformer's or MLP's."""

import math

from mmaction.models.backbones.swin import SwinTransformerBlock3D
from mmengine.model.weight_init import trunc_normal_
from torch import Tensor, nn

from ..grids import pool_grid, stretch_grid

HEAD_WIDTH, WINDOW = 32, 7  # Swin's (https://arxiv.org/abs/2103.14030); the longest side of a window in cells


class LocalToGlobal(nn.Module):
    """L2G: patch embedding, which changes width and resolution, and one Swin block (TAS/FBT,
    https://arxiv.org/abs/2410.12342).

    The two parts are what is known of the paper's projector; how they are sized is ours. Where the input's grid is a
    multiple of the output's, a patch is all cells that fall into one; where not, the grid is brought to the output's
    size (averages to shrink an axis, linear interpolation to stretch it) and a patch is one cell. Patches go through a
    linear layer and a LayerNorm. Attention windows divide the grid evenly, none longer than 7 cells; heads are the
    divisor of C' that makes their width nearest 32. A picture is a clip of one frame.

    Args:
        in_shape: (C, T, H, W) of the features that come in.
        out_shape: (C', T', H', W') of those that go out.
    """

    def __init__(self, in_shape: tuple[int, ...], out_shape: tuple[int, ...]) -> None:
        super().__init__()
        (in_width, *in_grid), (width, *self.grid) = in_shape, out_shape
        divides = all(size % out == 0 for size, out in zip(in_grid, self.grid, strict=True))
        self.patch = [size // out for size, out in zip(in_grid, self.grid, strict=True)] if divides else [1, 1, 1]
        self.embed = nn.Linear(in_width * math.prod(self.patch), width)
        self.norm = nn.LayerNorm(width)
        self.block = SwinTransformerBlock3D(
            width, nearest_heads(width), window_size=tuple(map(even_window, self.grid)), drop_path=0.0
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, grid: Tensor) -> Tensor:
        """Projects (N, C, T, H, W) to (N, C', T', H', W')."""
        patches = to_patches(
            resize(grid, [size * out for size, out in zip(self.patch, self.grid, strict=True)]), self.patch
        )
        return self.block(self.norm(self.embed(patches)), None).movedim(-1, 1)


def resize(grid: Tensor, size: list[int]) -> Tensor:
    """Brings (N, C, T, H, W) to (N, C, ``*size``): averages along axes that shrink, lines along those that grow."""
    grid = pool_grid(grid, [min(sides) for sides in zip(grid.shape[2:], size, strict=True)])
    return stretch_grid(grid, size)


def to_patches(grid: Tensor, patch: list[int]) -> Tensor:
    """Cuts (N, C, T, H, W) into patches that do not overlap: (N, T / t, H / h, W / w, C t h w)."""
    for axis, side in zip((2, 4, 6), patch, strict=True):
        grid = grid.unflatten(axis, (-1, side))  # (N, C, T / t, t, H / h, h, W / w, w) in the end
    return grid.permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(4)


def nearest_heads(width: int) -> int:
    """The number of heads whose width comes nearest to Swin's, by ratio."""
    divisors = [heads for heads in range(1, width + 1) if width % heads == 0]
    return min(divisors, key=lambda heads: abs(math.log(width / heads / HEAD_WIDTH)))


def even_window(size: int) -> int:
    """The window that covers an axis of ``size`` cells with the fewest windows and the least padding."""
    return math.ceil(size / math.ceil(size / WINDOW))
