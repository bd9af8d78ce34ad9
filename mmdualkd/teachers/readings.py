"""What loss terms read of a teacher: noted down while they read it, and given again from where it was stored."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ..errors import CacheError
from ..grids import WHOLE
from ..losses.term import Step
from ..outputs import Outputs
from ..seeds import seeded


@dataclass(frozen=True)
class Reading:
    """One value of a teacher's outputs.

    Attributes:
        teacher: Its name.
        what: ``'logits'``, ``'pooled'``, ``'grid'``, ``'cells'`` or ``'class_maps'``, see
            :class:`~mmdualkd.outputs.Outputs`.
        size: (T, H, W) of cells and class maps.
        window: The part of the grid's time that these cover.
    """

    teacher: str
    what: str
    size: tuple[int, int, int] | None = None
    window: tuple[float, float] | None = None

    def of(self, outputs: Outputs) -> Tensor:
        """Reads it from what a network gave."""
        return getattr(outputs, self.what)(self.size, self.window) if self.size else getattr(outputs, self.what)

    def __str__(self) -> str:
        name = f'{self.what} of {self.teacher}'
        if self.size:
            name += f' on a grid of {" x ".join(map(str, self.size))}'
        return name if self.window in (None, WHOLE) else f'{name} from {self.window[0]:.3f} to {self.window[1]:.3f}'

    def as_json(self) -> dict[str, Any]:
        """The same as plain values; :meth:`from_json` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> 'Reading':
        size, window = (value[name] and tuple(value[name]) for name in ('size', 'window'))
        return cls(value['teacher'], value['what'], size, window)


class _Read(ABC):
    """What a term may ask of a teacher's outputs; who answers is the subclass's."""

    def __init__(self, teacher: str, window: tuple[float, float] | None) -> None:
        self.teacher = teacher
        self.window = window

    @abstractmethod
    def _read(self, reading: Reading) -> Tensor: ...

    @property
    def logits(self) -> Tensor:
        return self._read(Reading(self.teacher, 'logits'))

    @property
    def pooled(self) -> Tensor:
        return self._read(Reading(self.teacher, 'pooled'))

    @property
    def grid(self) -> Tensor:
        return self._read(Reading(self.teacher, 'grid'))

    def cells(self, size: Sequence[int], window: tuple[float, float] = WHOLE) -> Tensor:
        return self._read(Reading(self.teacher, 'cells', tuple(size), tuple(window)))

    def class_maps(self, size: Sequence[int], window: tuple[float, float] = WHOLE) -> Tensor:
        return self._read(Reading(self.teacher, 'class_maps', tuple(size), tuple(window)))


class NotingOutputs(_Read):
    """A network's outputs that note down what is read of them.

    Args:
        teacher: The teacher's name.
        outputs: Its outputs.
        readings: What was read, in order; it is added to.
    """

    def __init__(self, teacher: str, outputs: Outputs, readings: dict[Reading, None]) -> None:
        super().__init__(teacher, outputs.window)
        self.outputs = outputs
        self.readings = readings

    def _read(self, reading: Reading) -> Tensor:
        self.readings[reading] = None
        return reading.of(self.outputs)


class StoredOutputs(_Read):
    """A teacher's outputs of which only some values were stored.

    Args:
        teacher: The teacher's name.
        window: As of :class:`~mmdualkd.outputs.Outputs`.
        values: The values, float32, N rows each.
    """

    def __init__(self, teacher: str, window: tuple[float, float] | None, values: Mapping[Reading, Tensor]) -> None:
        super().__init__(teacher, window)
        self.values = values

    def _read(self, reading: Reading) -> Tensor:
        if reading not in self.values:
            raise CacheError(f'a term reads {reading}, which model.teacher_cache does not hold')
        return self.values[reading]


@torch.no_grad()
def readings_of(terms: torch.nn.ModuleDict, step: Step) -> list[Reading]:
    """What terms read of the teachers, found by letting a copy of them read a step.

    Args:
        terms: The terms, set up.
        step: A step with the teachers' full outputs, as they are set up with.
    """
    readings: dict[Reading, None] = {}
    noting = {name: NotingOutputs(name, outputs, readings) for name, outputs in step.teachers.items()}
    terms = copy.deepcopy(terms).eval()
    with seeded(0):  # a term that draws shall not change what is drawn after it
        for term in terms.values():
            term(replace(step, teachers=noting, log={}))
    return list(readings)
