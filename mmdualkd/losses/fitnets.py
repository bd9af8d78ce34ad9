"""Hints: the student's features learn the teacher's."""

import torch.nn.functional as F
from torch import Tensor, nn

from ..registry import MODELS
from .cells import GridTerm
from .term import Step


@MODELS.register_module()
class FitNets(GridTerm):
    r"""Hints: a connector maps the target's features to the source's, cell by cell (Romero et al. 2015).

    https://arxiv.org/abs/1412.6550, Eq. 3, as the mean over all entries:

    .. math::
        L = \frac{1}{N C T H W} \sum |r(f^{tgt}) - f^{src}|^2

    The paper guides a middle layer, in a stage of training before the rest. Ours, as in later comparisons, guides along
    with all else; the features are those that each model's own head reads, averaged to a common grid, and the connector
    r is a 1x1x1 convolution that trains with the loss. Comparisons on CIFAR-100 weigh it 100 (second-hand).

    Args:
        source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        target: The same.
        grid: See :class:`~mmdualkd.losses.cells.GridTerm`.
        detach_source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        weight: See :class:`~mmdualkd.losses.term.Term`.

    Raises:
        ConfigError: See :class:`~mmdualkd.losses.cells.GridTerm`.
    """

    def setup(self, step: Step) -> None:
        super().setup(step)
        source, target = (step.of(name).grid.size(1) for name in (self.source, self.target))
        self.connector = nn.Conv3d(target, source, 1)

    def forward(self, step: Step) -> Tensor:
        source, target = self.read_cells(step)
        return F.mse_loss(self.connector(target), source)
