"""Entropy-based weighting."""

import torch
from torch import Tensor

from ..registry import MODELS
from .entropy import entropy
from .weighting import Weighting


@MODELS.register_module()
class EBKD(Weighting):
    r"""Entropy-based weights, :math:`w_k \propto 1 - H_k / \sum_j H_j`, normalised over the teachers.

    As compared with in CA-MKD (https://arxiv.org/abs/2201.00007).
    """

    @torch.no_grad()
    def forward(self, teachers: Tensor, student: Tensor, labels: Tensor) -> Tensor:
        """Weighs teachers' logits (K, N, C) by their entropy alone: (K, N)."""
        count = teachers.size(0)
        if count == 1:
            return teachers.new_ones(teachers.shape[:2])
        uncertainty = entropy(teachers)
        share = uncertainty / uncertainty.sum(dim=0).clamp_min(1e-12)
        scores = 1 - share
        return scores / scores.sum(dim=0)
