"""What networks said of the validation data, and where it is kept."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import ConfigError
from ..files import open_whole
from ..names import STUDENT

STRINGS = ('classes', 'files', 'notes')
ARRAYS = ('predicted', 'confidence', 'weights')


@dataclass
class Predictions:
    """What the student and its teachers said of N samples.

    Attributes:
        classes: Names of the C classes.
        files: File of each sample; empty where it has none.
        labels: Its class, (N,).
        predicted: By model the class of the highest score, (N,); the student is ``'student'``.
        confidence: By model that class's probability, (N,).
        weights: By ``'<term>/<teacher>'`` the teacher's weight, (N,).
        notes: What could not be found out, a sentence each.
    """

    classes: list[str]
    files: list[str]
    labels: np.ndarray
    predicted: dict[str, np.ndarray] = field(default_factory=dict)
    confidence: dict[str, np.ndarray] = field(default_factory=dict)
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def teachers(self) -> list[str]:
        """Names of the teachers that were run."""
        return [name for name in self.predicted if name != STUDENT]

    def right(self, model: str) -> np.ndarray:
        """Whether a model is right about each sample, (N,)."""
        return self.predicted[model] == self.labels

    def add(self, model: str, scores: np.ndarray) -> None:
        """Takes a model's probabilities, (N, C)."""
        self.predicted[model] = scores.argmax(axis=1)
        self.confidence[model] = scores.max(axis=1)

    def save(self, path: Path, key: str) -> None:
        """Writes the file whole or not at all.

        Args:
            path: The file.
            key: What the predictions depend on, see :meth:`load`.
        """
        arrays = {name: np.array(getattr(self, name), dtype=np.str_) for name in STRINGS}
        for name in ARRAYS:
            arrays.update({f'{name}:{model}': values for model, values in getattr(self, name).items()})
        with open_whole(path, 'wb') as file:
            np.savez_compressed(file, key=np.array(key), labels=self.labels, **arrays)

    @classmethod
    def load(cls, path: Path, key: str) -> 'Predictions | None':
        """Reads what was written under the same key; None if there is no such file."""
        try:
            with np.load(path, allow_pickle=False) as file:
                if str(file['key']) != key:
                    return None
                found = cls(*(file[name].tolist() for name in ('classes', 'files')), file['labels'])
                found.notes = file['notes'].tolist()
                for name in file.files:
                    kind, colon, model = name.partition(':')
                    if colon:
                        getattr(found, kind)[model] = file[name]
                return found
        except Exception:  # not there, not whole, or whatever a damaged file makes zipfile, zlib and NumPy say
            return None  # it is made anew


def check_same_data(first: Predictions, second: Predictions, key: str) -> None:
    """Raises a :class:`ConfigError` unless two trainings were validated on the same samples of the same classes.

    Args:
        first: Of the training that the page is of.
        second: Of the one that it is compared with.
        key: The argument that names that one.
    """
    if len(first.classes) != len(second.classes):
        raise ConfigError(f'{key} has {len(second.classes)} classes, the distillation {len(first.classes)}')
    for number, (one, other) in enumerate(zip(first.classes, second.classes, strict=True)):
        if one != other:
            raise ConfigError(f'{key} calls class {number} {other!r}, the distillation {one!r}: other classes')
    if len(first.labels) != len(second.labels):
        counts = len(second.labels), len(first.labels)
        raise ConfigError(f'{key} was validated on {counts[0]} samples, the distillation on {counts[1]}')
    names = [[Path(file).name for file in part.files] for part in (first, second)]
    for place, (one, other) in enumerate(zip(*names, strict=True)):
        if one != other or first.labels[place] != second.labels[place]:
            raise ConfigError(f'{key} was validated on other samples: {other!r} stands where {one!r} does here')
