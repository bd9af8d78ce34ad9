"""Structure-discrepancy-aware distillation."""

import torch.nn.functional as F
from torch import Tensor

from ..errors import ConfigError, check_name
from ..grids import WHOLE
from ..heads import (
    ClassMapResidual,
    ExplainedAwayResidual,
    SharedHeadResidual,
    StructureDiscrepancyBranch,
)
from ..outputs import Outputs
from ..registry import MODELS
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
    shrinkage), and no gradient of the MSE reaches :math:`\phi`, so that it cannot shrink it.

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
            positive whole numbers.
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
        whole = isinstance(grid, list | tuple) and all(type(cells) is int and cells > 0 for cells in grid)
        if grid is not None and not (whole and len(grid) == 3):
            raise ConfigError(f'grid must be None or three positive whole numbers (T, H, W), got {grid!r}')
        self.vit = vit
        self.cnn = cnn
        self.kind = residual
        self.dim = dim
        self.grid = grid and tuple(grid)

    def teachers_used(self) -> dict[str, str]:
        return {'vit': self.vit, 'cnn': self.cnn}

    def setup(self, step: Step) -> None:
        models = dict(student=step.student, vit=step.teachers[self.vit], cnn=step.teachers[self.cnn])
        self.spans = common_time(models)
        cells = [
            (max(int(grid.size(2) * (end - start) + 1e-6), 1), *grid.shape[3:])
            for grid, (start, end) in ((model.grid, self.spans[name]) for name, model in models.items())
        ]
        if len({model.window is None for model in models.values()}) > 1:
            if self.grid and self.grid[0] > 1:
                raise ConfigError(f'grid={self.grid}: segments and clips share no moments, so T must be 1')
            cells = [(1, *sides) for _, *sides in cells]
        self.grid = self.grid or tuple(map(min, zip(*cells, strict=True)))
        finest = tuple(max(model.grid.size(axis) for model in models.values()) for axis in (2, 3, 4))
        if any(cells > most for cells, most in zip(self.grid, finest, strict=True)):
            raise ConfigError(
                f'model.terms.{self.name}.grid={self.grid} is finer than the finest of the models, {finest}'
            )
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


def common_time(models: dict[str, Outputs]) -> dict[str, tuple[float, float]]:
    """Gives the part of each model's own time that all clips see, as fractions; all of it for segments of a video."""
    windows = {name: model.window for name, model in models.items() if model.window is not None}
    if not windows:
        return dict.fromkeys(models, WHOLE)
    begin, end = max(start for start, _ in windows.values()), min(stop for _, stop in windows.values())
    of_clips = {
        name: tuple((moment - start) / (stop - start) for moment in (begin, end))
        for name, (start, stop) in windows.items()
    }
    return {name: of_clips.get(name, WHOLE) for name in models}  # in the models' order
