"""Attention transfer."""

import torch.nn.functional as F
from torch import Tensor

from ..errors import ConfigError
from ..registry import MODELS
from .cells import GridTerm
from .features import unit_length
from .term import Step


@MODELS.register_module()
class AT(GridTerm):
    r"""Attention transfer: the target's features become strong where the source's are (Zagoruyko and Komodakis 2017).

    https://arxiv.org/abs/1612.03928, Eqs. 1 and 2 with p = 2, as the mean over all entries:

    .. math::
        Q = \sum_c f_c^2, \quad
        L = \frac{1}{N T H W} \sum \left( \frac{Q^{tgt}}{|Q^{tgt}|_2} - \frac{Q^{src}}{|Q^{src}|_2} \right)^2

    with the norms over the cells of a sample. Channels may differ in number and meaning. The paper compares the ends of
    several stages; ours compares the features that each model's own head reads, averaged to a common grid, in time as
    in space. Maps next to zero are not stretched, so that every gradient has a bound. Comparisons weigh it 1000
    (second-hand).

    Args:
        source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        target: The same.
        grid: See :class:`~mmdualkd.losses.cells.GridTerm`; more than one cell.
        detach_source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        weight: See :class:`~mmdualkd.losses.term.Term`.

    Raises:
        ConfigError: If the common grid has a single cell (a model without a grid, say), or as of
            :class:`~mmdualkd.losses.cells.GridTerm`.
    """

    def setup(self, step: Step) -> None:
        super().setup(step)
        if self.grid == (1, 1, 1):
            sizes = {name: tuple(step.of(name).grid.shape[2:]) for name in (self.source, self.target)}
            raise ConfigError(
                f'model.terms.{self.name} (AT) compares where models look, and the common grid (1, 1, 1) has one '
                f'place: the grids (T, H, W) are {sizes}; FitNets and SP take any'
            )

    def forward(self, step: Step) -> Tensor:
        source, target = (attention(cells) for cells in self.read_cells(step))
        return F.mse_loss(target, source)


def attention(cells: Tensor) -> Tensor:
    """Mean square over the channels of (N, C, T, H, W), each sample's map scaled to unit length: (N, T H W)."""
    return unit_length(cells.square().mean(dim=1).flatten(1))
