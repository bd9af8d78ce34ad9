"""Structure-discrepancy-aware distillation."""

import torch.nn.functional as F
from torch import Tensor

from ..errors import ConfigError, check_name
from ..heads import (
    ClassMapResidual,
    ExplainedAwayResidual,
    SharedHeadResidual,
    StructureDiscrepancyBranch,
)
from ..outputs import Outputs
from ..registry import MODELS
from .cells import check_grid, common_grid
from .logits import standardise
from .term import Step, Term

RESIDUALS = ('class_maps', 'explained_away', 'shared_head')


@MODELS.register_module()
class SDD(Term):
    r"""A training-only branch on the student learns what the ViT sees and the CNN does not (DTKD,
    https://arxiv.org/abs/2511.09469).

    .. math::
        f_{res} = \phi_{ViT}(f_{ViT}) - \phi_{CNN}(f_{CNN}), \quad L = \mathrm{MSE}(SDB(f_S), f_{res})

    The residual and the branch are the paper's; the space in which the subtraction has a meaning, the common grid and
    the branch's layers are our reconstruction. Identical teachers leave a residual of 0 (``'explained_away'``: of its
    shrinkage), and no gradient of the MSE reaches :math:`\phi`, so that it cannot shrink it. Of ``'shared_head'`` the
    term's value has more: the cross-entropies of both maps, read by their head, with the labels, by which
    :math:`\phi` learns. They give the student no gradient, and begin at about twice the logarithm of the number of
    classes.

    Cells are compared at the same moments: where views span different times, each grid is averaged over the cells of
    the time that all three models see. A frame stands for the interval that it begins, so that views of different
    ``frame_interval`` are compared to within half the difference. Segments of a whole video and clips share no moments;
    between them time is averaged out.

    Log: ``<term>/residual_std``, the residual's standard deviation.

    Args:
        vit: Name of the teacher that the residual adds.
        cnn: Name of the teacher that it takes away.
        residual: ``'shared_head'`` (:class:`~mmdualkd.heads.residuals.SharedHeadResidual`), ``'class_maps'``
            (:class:`~mmdualkd.heads.residuals.ClassMapResidual`) or ``'explained_away'``
            (:class:`~mmdualkd.heads.residuals.ExplainedAwayResidual`); the default is the ablation's in
            ``docs/results.md``.
        dim: Channels of the residual; of class maps at most.
        grid: Common (T, H, W) that grids are averaged to; None takes the smallest of the three models' along each axis,
            (1, 1, 1) pools them.
        weight: See :class:`Term`.

    Raises:
        ConfigError: If ``residual`` or a teacher's name is unknown, both are one teacher, or ``dim`` or ``grid`` are no
            positive whole numbers; when the distiller is built, if ``grid`` does not fit (see
            :class:`~mmdualkd.losses.cells.GridTerm`), or a teacher's head gives no class maps.
    """

    def __init__(
        self,
        vit: str = 'vit',
        cnn: str = 'cnn',
        residual: str = 'shared_head',
        dim: int = 128,
        grid: tuple[int, int, int] | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(weight)
        check_name('residual', residual, RESIDUALS, 'kind of residual')
        if vit == cnn:
            raise ConfigError(f'vit and cnn must be two teachers, both are {vit!r}')
        if type(dim) is not int or dim < 1:
            raise ConfigError(f'dim must be a whole number from 1, got {dim!r}')
        self.vit = vit
        self.cnn = cnn
        self.kind = residual
        self.dim = dim
        self.grid = check_grid(grid)

    def teachers_used(self) -> dict[str, str]:
        return {'vit': self.vit, 'cnn': self.cnn}

    def setup(self, step: Step) -> None:
        models = dict(student=step.student, vit=step.teachers[self.vit], cnn=step.teachers[self.cnn])
        self.grid, self.spans = common_grid(models, self.grid, f'model.terms.{self.name}.grid')
        channels = {name: model.grid.size(1) for name, model in models.items()}
        classes = step.labels.size(1)
        self.residual = {
            'class_maps': lambda: ClassMapResidual(classes, self.dim),
            'explained_away': lambda: ExplainedAwayResidual(channels['vit'], channels['cnn'], self.dim),
            'shared_head': lambda: SharedHeadResidual(channels['vit'], channels['cnn'], self.dim, classes),
        }[self.kind]()
        self.branch = StructureDiscrepancyBranch(channels['student'], self.residual.channels)
        if self.kind == 'class_maps':  # a head that gives none is found now
            self._class_maps(step)

    def forward(self, step: Step) -> Tensor:
        student = step.student.cells(self.grid, self.spans['student'])
        if self.kind == 'class_maps':
            vit, cnn = self._class_maps(step)
        else:
            vit, cnn = (outputs.cells(self.grid, span) for outputs, span in self._teachers(step))
        residual, loss = self.residual(vit, cnn, step.labels, step.mean_of_labelled)
        step.log[f'{self.name}/residual_std'] = residual.std(unbiased=False)
        return F.mse_loss(self.branch(student), residual) + loss

    def _teachers(self, step: Step) -> list[tuple[Outputs, tuple[float, float]]]:
        """The two teachers' outputs, and the part of their time that is compared."""
        return [(step.teachers[self.vit], self.spans['vit']), (step.teachers[self.cnn], self.spans['cnn'])]

    def _class_maps(self, step: Step) -> list[Tensor]:
        maps = (outputs.class_maps(self.grid, span) for outputs, span in self._teachers(step))
        return [standardise(of_cells.movedim(1, -1)).movedim(-1, 1) for of_cells in maps]
