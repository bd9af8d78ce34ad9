"""Discrepancy-aware teacher weighting."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import check_flags, check_name, check_positive
from ..registry import MODELS
from .entropy import entropy
from .weighting import Weighting

FLATTEST = 1e-4  # length of centred logits below which they are rounding rather than a direction
SCORES = ('product', 'sum', 'confidence', 'discrepancy')


@MODELS.register_module()
class DATW(Weighting):
    r"""Discrepancy-Aware Teacher Weighting (DTKD, https://arxiv.org/abs/2511.09469).

    A teacher that is confident and disagrees with the student weighs more; labels take no part. The paper's text gives
    the two ingredients; their exact form is our reconstruction:

    .. math::
        c_T = 1 - H(\mathrm{softmax}(z_T)) / \log C, \quad d_T = 1 - \cos(z_T - \bar z_T, z_S - \bar z_S), \quad
        s_T = c_T d_T + \epsilon, \quad w_T = s_T / \sum_T s_T

    Logits are centred over the classes, as a constant on all of them changes no prediction. Those that hardly vary have
    no direction: d is 1/2 where one of the two is such, 0 where both are.

    A teacher that is sure and wrong disagrees with the student and weighs most. With ``guard``, an option of ours,
    labels take part where there are any: :math:`s_T = c_T d_T p_T(y) + \epsilon`, with the probability that the teacher
    gives to the label (of soft labels, their mean).

    Args:
        score: How confidence c in [0, 1] and discrepancy d in [0, 2] make a teacher's score: ``'product'`` (c d),
            ``'sum'`` (c + d), or one of the two alone, ``'confidence'`` or ``'discrepancy'``.
        tau: If given, weights are softmax(s / tau) in place of s divided by its sum. Positive.
        eps: Added to each score, so that weights exist where every score is zero. Positive.
        guard: Whether scores are multiplied by the probability of the label, of samples that have one.

    Raises:
        ConfigError: If ``score`` is unknown, ``tau`` or ``eps`` is not positive, or ``guard`` no bool.
    """

    def __init__(
        self, score: str = 'product', tau: float | None = None, eps: float = 1e-6, guard: bool = False
    ) -> None:
        super().__init__()
        check_name('score', score, SCORES, 'score')
        check_positive(eps=eps)
        check_flags(guard=guard)
        if tau is not None:
            check_positive(tau=tau)
        self.score = score
        self.tau = tau
        self.eps = eps
        self.guard = guard

    @torch.no_grad()
    def forward(self, teachers: Tensor, student: Tensor, labels: Tensor) -> Tensor:
        """Weighs K teachers for each sample.

        Args:
            teachers: Logits (K, N, C).
            student: Logits (N, C).
            labels: Label distributions (N, C), read with ``guard`` alone; rows of zeros have none.

        Returns:
            Tensor: Weights (K, N), non-negative, summing to 1 over K.
        """
        confidence = 1 - entropy(teachers) / math.log(teachers.size(-1))
        confidence = confidence.clamp_min(0)  # rounding may leave it a hair below
        # 1 - cos as half a squared distance: where all agree, its rounding is far below eps.
        discrepancy = (direction(teachers) - direction(student)).square().sum(dim=-1) / 2
        scores = {
            'product': confidence * discrepancy,
            'sum': confidence + discrepancy,
            'confidence': confidence,
            'discrepancy': discrepancy,
        }[self.score]
        if self.guard:
            sure = (labels * teachers.softmax(dim=-1)).sum(dim=-1)
            scores = torch.where(labels.sum(dim=-1) > 0, sure, 1.0) * scores
        if self.tau is not None:
            return (scores / self.tau).softmax(dim=0)
        scores = scores + self.eps
        return scores / scores.sum(dim=0)


def direction(logits: Tensor) -> Tensor:
    """Centres logits (..., C) and scales them to unit length, but for those that hardly vary."""
    return F.normalize(logits - logits.mean(dim=-1, keepdim=True), dim=-1, eps=FLATTEST)
