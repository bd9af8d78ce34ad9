"""Relational knowledge distillation."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import ConfigError, check_name, check_not_negative
from ..global_batch import gather_batch
from ..registry import MODELS
from .features import unit_length
from .term import Step, Term

SMALLEST_DISTANCE = 1e-3  # of unit rows: pairs nearer than this, or whole batches, are not stretched to unit length


def pair_distances(rows: Tensor) -> Tensor:
    """Euclidean distances of all pairs of unit rows over the mean of those not zero: (N, C) -> (N, N)."""
    distances = torch.cdist(rows, rows, compute_mode='donot_use_mm_for_euclid_dist')
    mean = distances.sum() / (distances > 0).sum().clamp_min(1)
    return distances / mean.clamp_min(SMALLEST_DISTANCE)


def triplet_angles(rows: Tensor) -> Tensor:
    """Cosines of the angles at j between unit rows i and k: (N, C) -> (N, N, N), indexed [j, i, k]."""
    edges = F.normalize(rows.unsqueeze(0) - rows.unsqueeze(1), dim=2, eps=SMALLEST_DISTANCE)  # [j, i]: from j to i
    return torch.bmm(edges, edges.transpose(1, 2))


@MODELS.register_module()
class RKD(Term):
    r"""Distances between samples, and angles between triplets, as one teacher sees them (Park et al. 2019).

    https://arxiv.org/abs/1904.05068, Eqs. 5 to 8: :math:`L = a\, l_1(d_T / \bar d_T, d_S / \bar d_S) + b\, l_1(\cos_T,
    \cos_S)`, smooth l1, over pooled features scaled to unit length. Relations span the global batch of all processes.
    Rows next to zero or next to each other are not stretched, so that every gradient has a bound.
    DTKD uses relations of the ViT teacher; which kind, and its weight, are our reconstruction.

    Args:
        teacher: Name of the teacher whose relations are taken.
        distance: Factor a of the distance-wise part, not negative.
        angle: Factor b of the angle-wise part, not negative; its memory grows with the cube of the batch. The authors
            weigh angles twice as much as distances.
        features: What is related: ``'pooled'`` features or ``'logits'``.
        weight: See :class:`Term`.

    Raises:
        ConfigError: If ``features`` is unknown, or a factor is negative or both are zero.
    """

    fewest_samples = 3  # two have one distance, which is its own mean, and no triplet

    def __init__(
        self, teacher: str, distance: float = 1.0, angle: float = 0.0, features: str = 'pooled', weight: float = 1.0
    ) -> None:
        super().__init__(weight)
        check_name('features', features, ('pooled', 'logits'), 'kind of features')
        check_not_negative(distance=distance, angle=angle)
        if distance == angle == 0:
            raise ConfigError('distance and angle must not both be 0')
        self.teacher = teacher
        self.distance = distance
        self.angle = angle
        self.features = features

    def teachers_used(self) -> dict[str, str]:
        return {'teacher': self.teacher}

    def forward(self, step: Step) -> Tensor:
        student = self._rows(getattr(step.student, self.features))
        teacher = self._rows(getattr(step.teachers[self.teacher], self.features))
        loss = student.new_zeros(())
        if self.distance:
            loss = loss + self.distance * F.smooth_l1_loss(pair_distances(student), pair_distances(teacher))
        if self.angle:
            loss = loss + self.angle * F.smooth_l1_loss(triplet_angles(student), triplet_angles(teacher))
        return loss

    @staticmethod
    def _rows(features: Tensor) -> Tensor:
        return unit_length(gather_batch(features))
