"""Similarity-preserving distillation."""

import torch.nn.functional as F
from torch import Tensor

from ..global_batch import gather_batch
from ..registry import MODELS
from .cells import GridTerm
from .features import SMALLEST_NORM
from .term import Step


@MODELS.register_module()
class SP(GridTerm):
    r"""Similarity-preserving: samples that are alike to the source become alike to the target (Tung and Mori 2019).

    https://arxiv.org/abs/1907.09682, Eqs. 2 to 4, with Q a row of all features of each sample:

    .. math::
        \tilde G = Q Q^T, \quad G_{i:} = \tilde G_{i:} / |\tilde G_{i:}|_2, \quad
        L = \frac{1}{N^2} |G^{tgt} - G^{src}|_F^2

    N counts the samples of all processes. Ours: the features are those that each model's own head reads, averaged to a
    common grid (``grid=(1, 1, 1)``: the pooled ones), and rows next to zero are not stretched, so that every gradient
    has a bound. The authors weigh it 3000 on CIFAR-10 (second-hand). Of the two methods with Gram matrices of the batch
    this one is here because it leaves no kernel and no embedding to choose, as correlation congruence does
    (https://arxiv.org/abs/1904.01802).

    Args:
        source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        target: The same.
        grid: See :class:`~mmdualkd.losses.cells.GridTerm`.
        detach_source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        weight: See :class:`~mmdualkd.losses.term.Term`.

    Raises:
        ConfigError: See :class:`~mmdualkd.losses.cells.GridTerm`.
    """

    fewest_samples = 2

    def forward(self, step: Step) -> Tensor:
        source, target = (similarities(gather_batch(cells.flatten(1))) for cells in self.read_cells(step))
        return F.mse_loss(target, source)


def similarities(rows: Tensor) -> Tensor:
    """The Gram matrix of (N, C), its rows of unit length: (N, N).

    A common factor of all rows changes nothing; their mean square is made 1, so that what is small is small beside it.
    """
    rows = rows / rows.detach().square().sum(dim=1).mean().sqrt().clamp_min(SMALLEST_NORM)
    return F.normalize(rows @ rows.t(), dim=1, eps=SMALLEST_NORM)
