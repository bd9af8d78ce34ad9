"""Distillation of relations between predictions, by correlation."""

import torch.nn.functional as F
from torch import Tensor

from ..errors import check_not_negative, check_positive
from ..global_batch import gather_batch
from ..names import STUDENT
from ..registry import MODELS
from .pair import PairTerm
from .term import Step

FLATTEST = 1e-2  # of a vector of mean 1: what varies less is not stretched to unit length, its gradient has no bound


@MODELS.register_module()
class DIST(PairTerm):
    r"""Pearson's correlation of predictions, over the classes and over the batch (Huang et al. 2022).

    https://arxiv.org/abs/2205.10536, Eqs. 5 to 9:

    .. math::
        L = \tau^2 \left[ \frac{\beta}{N} \sum_i (1 - \rho(p^{src}_{i:}, p^{tgt}_{i:}))
            + \frac{\gamma}{C} \sum_c (1 - \rho(p^{src}_{:c}, p^{tgt}_{:c})) \right], \quad p = softmax(z / \tau)

    Our own: the batch is that of all processes, and :math:`1 - \rho(a, b)` is taken as :math:`\frac12 |u - v|^2` of the
    centred a and b scaled to unit length. It is the same number where both vary; what hardly varies (a new head of
    zeros gives all classes the same) stays short, as its direction is noise. Equal predictions have loss 0.

    Args:
        source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        target: The same.
        beta: Weight of the correlation over the classes of each sample, not negative.
        gamma: Weight of that over the batch of each class, not negative.
        tau: Temperature, positive.
        detach_source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        weight: See :class:`~mmdualkd.losses.term.Term`.

    Raises:
        ConfigError: If an argument is out of its range, or source and target do not fit.
    """

    def __init__(
        self,
        source: str,
        target: str = STUDENT,
        beta: float = 1.0,
        gamma: float = 1.0,
        tau: float = 1.0,
        detach_source: bool = False,
        weight: float = 1.0,
    ) -> None:
        super().__init__(source, target, detach_source, weight)
        check_not_negative(beta=beta, gamma=gamma)
        check_positive(tau=tau)
        self.beta = beta
        self.gamma = gamma
        self.tau = tau

    def forward(self, step: Step) -> Tensor:
        source, target = (gather_batch((logits / self.tau).softmax(dim=1)) for logits in self.read(step, 'logits'))
        over_classes, over_batch = (decorrelation(source, target, dim).mean() for dim in (1, 0))
        return self.tau**2 * (self.beta * over_classes + self.gamma * over_batch)


def decorrelation(first: Tensor, second: Tensor, dim: int) -> Tensor:
    """1 less Pearson's correlation of probabilities along an axis of (N, C); less where one of them hardly varies."""
    scaled = (p / p.detach().mean(dim, keepdim=True).clamp_min(1e-20) for p in (first, second))
    u, v = (F.normalize(p - p.mean(dim, keepdim=True), dim=dim, eps=FLATTEST) for p in scaled)
    return (u - v).square().sum(dim) / 2
