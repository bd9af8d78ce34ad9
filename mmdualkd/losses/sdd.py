"""Structure-discrepancy-aware distillation."""

import torch.nn.functional as F
from torch import Tensor

from ..errors import check_name
from ..heads import ClassifiedProjection, OrthogonalProjection, StructureDiscrepancyBranch
from ..registry import MODELS
from .term import Step, Term


@MODELS.register_module()
class SDD(Term):
    r"""A training-only branch on the student learns what the ViT sees and the CNN does not (DTKD,
    https://arxiv.org/abs/2511.09469).

    .. math::
        f_{res} = \phi_{ViT}(f_{ViT}) - \phi_{CNN}(f_{CNN}), \quad L = \mathrm{MSE}(SDB(f_S), f_{res})

    The residual and the branch are the paper's; :math:`\phi`, the common grid and the branch's layers are our
    reconstruction. A residual of projections that this loss trained could shrink to zero; here it cannot, for no
    gradient of the MSE reaches :math:`\phi`.

    Args:
        vit: Name of the teacher that the residual adds.
        cnn: Name of the teacher that it takes away.
        phi: ``'orthogonal'``: fixed semi-orthogonal projections of channel-standardised features; ``'learned'``:
            1x1x1 convolutions that learn from class heads of their own.
        dim: Channels of the residual.
        grid: Common (T, H, W) that features are averaged to; None takes the smallest of the three models' along each
            axis, (1, 1, 1) pools them.
        weight: See :class:`Term`.

    Raises:
        ConfigError: If ``phi`` or a teacher's name is unknown.
    """

    def __init__(
        self,
        vit: str = 'vit',
        cnn: str = 'cnn',
        phi: str = 'orthogonal',
        dim: int = 128,
        grid: tuple | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(weight)
        check_name('phi', phi, ('orthogonal', 'learned'), 'kind of projection')
        self.vit = vit
        self.cnn = cnn
        self.phi = phi
        self.dim = dim
        self.grid = tuple(grid) if grid else None

    def teachers_used(self) -> dict[str, str]:
        return {'vit': self.vit, 'cnn': self.cnn}

    def setup(self, step: Step) -> None:
        grids = [step.student.grid, step.teachers[self.vit].grid, step.teachers[self.cnn].grid]
        channels = [grid.size(1) for grid in grids]
        self.grid = self.grid or tuple(min(sizes) for sizes in zip(*(grid.shape[2:] for grid in grids), strict=True))
        self.branch = StructureDiscrepancyBranch(channels[0], self.dim)
        if self.phi == 'orthogonal':
            self.phi_vit = OrthogonalProjection(channels[1], self.dim, seed=0)
            self.phi_cnn = OrthogonalProjection(channels[2], self.dim, seed=1)
        else:
            classes = step.labels.size(1)
            self.phi_vit = ClassifiedProjection(channels[1], self.dim, classes)
            self.phi_cnn = ClassifiedProjection(channels[2], self.dim, classes)

    def forward(self, step: Step) -> Tensor:
        student, vit, cnn = (
            F.adaptive_avg_pool3d(outputs.grid, self.grid)
            for outputs in (step.student, step.teachers[self.vit], step.teachers[self.cnn])
        )
        from_vit, loss_vit = self.phi_vit(vit, step.labels)
        from_cnn, loss_cnn = self.phi_cnn(cnn, step.labels)
        residual = from_vit.detach() - from_cnn.detach()
        step.log[f'{self.name}/residual_std'] = residual.std(unbiased=False)
        return F.mse_loss(self.branch(student), residual) + loss_vit + loss_cnn
