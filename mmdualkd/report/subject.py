"""What the page of a training is of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..names import STUDENT
from . import charts
from .measures import Change, change
from .predictions import Predictions
from .training import Training


@dataclass
class Subject:
    """What a page is of.

    Attributes:
        name: What its student is called (``distilled``, or ``student`` without teachers).
        training: The training.
        found: What its networks say; None if that is not known.
        alone: The training of the student alone; None without one.
        found_alone: What that one says.
        others: More trainings whose curves are shown, by name.
        arguments: Those of the ``mmdualkd distill`` that made them; empty without.
    """

    name: str
    training: Training
    found: Predictions | None = None
    alone: Training | None = None
    found_alone: Predictions | None = None
    others: Mapping[str, Training] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name_distilled(self) -> str:
        """What a student with teachers is called, one of which may have that name."""
        return self._free('distilled')

    @property
    def name_alone(self) -> str:
        """What the student alone is called, likewise."""
        return self._free('alone')

    def _free(self, name: str) -> str:
        return f'student {name}' if name in self.teachers else name  # names of teachers have no spaces

    @property
    def colours(self) -> dict[str, str]:
        """A colour for each model, the same in all charts."""
        names = [self.name, self.name_alone, *self.teachers]
        return {name: charts.colour_of(number) for number, name in enumerate(names)}

    @property
    def teachers(self) -> list[str]:
        """Names of the teachers, from the predictions or the log."""
        return self.found.teachers if self.found and self.found.teachers else self.training.teachers

    def predictions(self) -> dict[str, tuple[Predictions, str]]:
        """Where each model's predictions are: the source and the name in it, the student first."""
        if self.found is None:
            return {}
        found = {self.name: (self.found, STUDENT)}
        if self.found_alone is not None:
            found[self.name_alone] = (self.found_alone, STUDENT)
        return found | {name: (self.found, name) for name in self.found.teachers}

    @property
    def change(self) -> Change | None:
        """From the student alone to the distilled one; None without one of them."""
        if self.found is None or self.found_alone is None:
            return None
        return change(self.found_alone.right(STUDENT), self.found.right(STUDENT))


def percent(value: float) -> str:
    """A fraction in percent; empty where there is none."""
    return '' if np.isnan(value) else f'{100 * value:.1f}'
