"""Features of several models, compared cell by cell at the same places and moments."""

from collections.abc import Mapping

from torch import Tensor

from ..errors import ConfigError
from ..grids import WHOLE
from ..names import STUDENT
from ..outputs import Outputs
from .pair import PairTerm
from .term import Step

Size = tuple[int, int, int]
Span = tuple[float, float]


class GridTerm(PairTerm):
    """A term that compares two models' cells on a common grid.

    Args:
        source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        target: The same.
        grid: Common (T, H, W) that both grids are averaged to; None takes the smaller of the two along each axis (in
            the time that both see), (1, 1, 1) pools them.
        detach_source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        weight: See :class:`~mmdualkd.losses.term.Term`.

    Raises:
        ConfigError: If ``grid`` is no three positive whole numbers, or source and target do not fit; when the distiller
            is built, if ``grid`` is finer than the finer of the two, or has T above 1 between segments and clips, which
            share no moments.
    """

    def __init__(
        self,
        source: str,
        target: str = STUDENT,
        grid: Size | None = None,
        detach_source: bool = False,
        weight: float = 1.0,
    ) -> None:
        super().__init__(source, target, detach_source, weight)
        self.grid = check_grid(grid)

    def setup(self, step: Step) -> None:
        super().setup(step)
        models = dict(source=step.of(self.source), target=step.of(self.target))
        self.grid, self.spans = common_grid(models, self.grid, f'model.terms.{self.name}.grid')

    def read_cells(self, step: Step) -> tuple[Tensor, Tensor]:
        """Gives source's and target's cells, (N, C, T, H, W) each."""
        source = step.of(self.source).cells(self.grid, self.spans['source'])
        target = step.of(self.target).cells(self.grid, self.spans['target'])
        return source.detach() if self.detach_source else source, target


def check_grid(grid: Size | None) -> Size | None:
    """Gives the argument ``grid`` of a term, or raises a :class:`ConfigError`."""
    whole = isinstance(grid, list | tuple) and all(type(cells) is int and cells > 0 for cells in grid)
    if grid is not None and not (whole and len(grid) == 3):
        raise ConfigError(f'grid must be None or three positive whole numbers (T, H, W), got {grid!r}')
    return grid and tuple(grid)


def common_grid(models: Mapping[str, Outputs], asked: Size | None, key: str) -> tuple[Size, dict[str, Span]]:
    """Finds the grid on which models' cells are compared.

    Args:
        models: Outputs by name.
        asked: The grid that the config asks for; None takes the smallest of the models' along each axis, in the time
            that all of them see.
        key: Its key in the config, for errors.

    Returns:
        (T, H, W), and the part of each model's own time that is compared.

    Raises:
        ConfigError: If it is finer than the finest of the models, or asks for moments that they do not share.
    """
    spans = common_time(models)
    cells = [
        (max(int(grid.size(2) * (end - start) + 1e-6), 1), *grid.shape[3:])
        for grid, (start, end) in ((model.grid, spans[name]) for name, model in models.items())
    ]
    if len({model.window is None for model in models.values()}) > 1:
        if asked and asked[0] > 1:
            raise ConfigError(f'{key}={asked}: segments and clips share no moments, so T must be 1')
        cells = [(1, *sides) for _, *sides in cells]
    size = asked or tuple(map(min, zip(*cells, strict=True)))
    finest = tuple(max(model.grid.size(axis) for model in models.values()) for axis in (2, 3, 4))
    if any(side > most for side, most in zip(size, finest, strict=True)):
        raise ConfigError(f'{key}={size} is finer than the finest of the models, {finest}')
    return size, spans


def common_time(models: Mapping[str, Outputs]) -> dict[str, Span]:
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
