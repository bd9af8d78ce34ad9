"""The projector of redundancy suppression."""

import torch
from torch import Tensor, nn

FLATTEST = 1e-3  # features of a smaller deviation over the batch are not stretched to 1: their gradient has no bound


class Decoupler(nn.Module):
    """Linear, batch normalisation, GELU, linear: pooled features to another model's width (RSD,
    https://arxiv.org/abs/2507.21844; the layers and that they have no bias are second-hand).

    The normalisation goes by the rows that it is given, one of them included, and keeps no running statistics: the
    module only serves training.

    Args:
        in_width: Width of the features that come in.
        out_width: Width of those that go out.
        ratio: How many times wider the middle is than what comes in.
    """

    def __init__(self, in_width: int, out_width: int, ratio: int) -> None:
        super().__init__()
        middle = in_width * ratio
        self.expand = nn.Linear(in_width, middle, bias=False)
        self.scale, self.shift = nn.Parameter(torch.ones(middle)), nn.Parameter(torch.zeros(middle))
        self.adapt = nn.Linear(middle, out_width, bias=False)

    def forward(self, rows: Tensor) -> Tensor:
        """Projects (N, in_width) to (N, out_width)."""
        middle = standardise_rows(self.expand(rows)) * self.scale + self.shift
        return self.adapt(nn.functional.gelu(middle))


def standardise_rows(rows: Tensor) -> Tensor:
    """Zero mean and unit variance over the batch of each column of (N, C), but for those that hardly vary."""
    centred = rows - rows.mean(dim=0)
    return centred / centred.square().mean(dim=0).clamp_min(FLATTEST**2).sqrt()
