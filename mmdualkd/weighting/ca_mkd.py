"""Confidence-aware weighting by the labels."""

import torch
from torch import Tensor

from ..registry import MODELS
from .weighting import Weighting


@MODELS.register_module()
class CAMKD(Weighting):
    r"""Weights of CA-MKD (https://arxiv.org/abs/2201.00007), :math:`w_k = (1 - \mathrm{softmax}_k(CE_k)) / (K - 1)`.

    CE_k is teacher k's cross-entropy with the label, soft labels included: a teacher that is right weighs more.
    Where a sample has no label (a row of zeros) all weigh the same.
    """

    @torch.no_grad()
    def forward(self, teachers: Tensor, student: Tensor, labels: Tensor) -> Tensor:
        """Weighs teachers' logits (K, N, C) by label distributions (N, C): (K, N)."""
        count = teachers.size(0)
        if count == 1:
            return teachers.new_ones(teachers.shape[:2])
        cross_entropy = -(labels * teachers.log_softmax(dim=-1)).sum(dim=-1)
        return (1 - cross_entropy.softmax(dim=0)) / (count - 1)
