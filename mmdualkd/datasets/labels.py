"""Samples without a label, and label sets of which a part is taken away."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from ..errors import ConfigError, check_name

UNLABELLED = -1  # what stands for no label
KEEP, DROP = 'keep', 'drop'


def is_unlabelled(label: Any) -> bool:
    """Whether a label (a class, several, or a row over the classes) says that there is none, or is None."""
    return label is None or bool((np.asarray(label) < 0).any())


@dataclass(frozen=True)
class LabelUse:
    """Which labels of a training data set are used, and whether samples without one are.

    Attributes:
        labelled_fraction: The share of each class that keeps its labels; None for all.
        label_seed: Decides which do.
        unlabelled: ``'keep'`` or ``'drop'``, what is done with samples without a label.
        test_mode: Whether the data are to test with, of which nothing can be taken away.

    Raises:
        ConfigError: Names the setting that is out of its range, or not for a test.
    """

    labelled_fraction: float | None
    label_seed: int
    unlabelled: str
    test_mode: bool

    def __post_init__(self) -> None:
        fraction, seed = self.labelled_fraction, self.label_seed
        number = isinstance(fraction, Real) and not isinstance(fraction, bool)
        if fraction is not None and not (number and 0 < fraction <= 1):
            raise ConfigError(f'dataset.labelled_fraction must be None or in 0 to 1, above 0, got {fraction!r}')
        if type(seed) is not int or seed < 0:
            raise ConfigError(f'dataset.label_seed must be a whole number from 0, got {seed!r}')
        check_name('dataset.unlabelled', self.unlabelled, (KEEP, DROP), 'way with samples that have no label')
        for key, default in (('labelled_fraction', None), ('unlabelled', KEEP)):
            if self.test_mode and (value := getattr(self, key)) != default:
                raise ConfigError(f'dataset.{key}={value!r} is for training data: a test takes all samples and labels')

    def of(self, infos: list[dict], key: str) -> list[dict]:
        """The samples that are used, with their labels or -1 under ``key``."""
        if self.labelled_fraction is not None:
            for place in unlabelled_rest([info[key] for info in infos], self.labelled_fraction, self.label_seed):
                infos[place] = {**infos[place], key: UNLABELLED}
        if self.unlabelled == KEEP:
            return infos
        return [info for info in infos if not is_unlabelled(info[key])]


def unlabelled_rest(labels: Sequence[Any], fraction: float, seed: int) -> list[int]:
    """Chooses of each class the samples that lose their label.

    A class keeps the labels of its share, rounded, at least one. A smaller share of the same seed is a part of a larger
    one.

    Args:
        labels: The samples' classes; those without one are passed over.
        fraction: The share of each class that stays labelled, above 0.
        seed: Decides which.

    Returns:
        Their places, ascending.

    Raises:
        ConfigError: If a sample may have several labels.
    """
    places: dict[int, list[int]] = {}
    for place, label in enumerate(labels):
        if np.ndim(label):
            raise ConfigError('dataset.labelled_fraction asks for one label a sample, and these may have several')
        if not is_unlabelled(label):
            places.setdefault(int(label), []).append(place)
    rest = []
    for label, own in places.items():
        random.Random(f'{seed} {label}').shuffle(own)
        rest += own[max(round(fraction * len(own)), 1) :]
    return sorted(rest)


def counted_from_one(labels: set[int], num_classes: int) -> str:
    """Ends an error about a label that is too high with the likely reason: labels that begin at 1."""
    found = labels - {UNLABELLED}
    return ': labels begin at 1; subtract 1' if min(found) == 1 and max(found) == num_classes else ''
