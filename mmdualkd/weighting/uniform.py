"""Equal weights."""

import torch
from torch import Tensor

from ..registry import MODELS
from .weighting import Weighting


@MODELS.register_module()
class Uniform(Weighting):
    """The plain mean of the teachers; with a single teacher, plain KD."""

    @torch.no_grad()
    def forward(self, teachers: Tensor, student: Tensor, labels: Tensor) -> Tensor:
        """Gives each of K teachers (K, N, C) the weight 1 / K: (K, N)."""
        return teachers.new_full(teachers.shape[:2], 1 / teachers.size(0))
