"""Features of several teachers, weighed sample by sample."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..names import STUDENT
from ..registry import MODELS
from .cells import Size, check_grid, common_grid
from .fused import FusedTerm
from .term import Step


@MODELS.register_module()
class FusedFeatures(FusedTerm):
    r"""Hints from several teachers weighed sample by sample, the feature half of CA-MKD (Zhang et al. 2022).

    https://arxiv.org/abs/2201.00007; a connector for each teacher maps the student's features to its own. The other
    half is ``FusedKD(weighting=dict(type='CAMKD'), fuse='probabilities')``:

    .. math::
        L = \frac{1}{N} \sum_i \sum_k w_{ik} \frac{1}{C_k T H W} |r_k(f^S_i) - f^k_i|^2

    Ours: the weights are those of the teachers' own predictions, as in the other half. The authors' are those of what
    each teacher's classifier makes of the student's mapped features, and a cache holds no classifier; their code
    divides by the number of teachers once more. Features are those that each model's own head reads, averaged to a grid
    that student and teacher have in common; the connectors are 1x1x1 convolutions that train with the loss.

    Log: each teacher's weight, mean and spread over the batch.

    Args:
        weighting: Config of the module that weighs the teachers; None takes CAMKD.
        grid: Common (T, H, W) that the grids are averaged to; None takes the smaller of student's and teacher's along
            each axis, (1, 1, 1) pools them.
        teachers: See :class:`~mmdualkd.losses.fused.FusedTerm`.
        weight: See :class:`~mmdualkd.losses.term.Term`.

    Raises:
        ConfigError: As of :class:`~mmdualkd.losses.cells.GridTerm` for ``grid``, and as of
            :class:`~mmdualkd.losses.fused.FusedTerm`.
    """

    def __init__(
        self,
        weighting: dict | None = None,
        grid: Size | None = None,
        teachers: Sequence[str] | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(dict(type='CAMKD') if weighting is None else weighting, teachers, weight)
        self.grid = check_grid(grid)

    def setup(self, step: Step) -> None:
        super().setup(step)
        self.grids, self.connectors = {}, nn.ModuleDict()
        for name in self.names(step):
            models = {STUDENT: step.student, name: step.teachers[name]}
            self.grids[name] = common_grid(models, self.grid, f'model.terms.{self.name}.grid')
            self.connectors[name] = nn.Conv3d(*(model.grid.size(1) for model in models.values()), 1)

    def forward(self, step: Step) -> Tensor:
        _, weights = self.weigh(step)
        losses = []
        for name in self.names(step):
            size, spans = self.grids[name]
            mapped = self.connectors[name](step.student.cells(size, spans[STUDENT]))
            gap = mapped - step.teachers[name].cells(size, spans[name])
            losses.append(gap.square().mean(dim=(1, 2, 3, 4)))
        return (weights * torch.stack(losses)).sum(dim=0).mean()
