"""What is computed from predictions: calibration, gains, agreement, what distillation fixed and broke."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

BINS = 15
QUANTILE = 1.959964  # of the normal distribution, for an interval of 95 %


@dataclass(frozen=True)
class Calibration:
    """A reliability diagram; all by bin, NaN in an empty one.

    Attributes:
        counts: Samples.
        confidence: Their mean confidence, in 0 to 1.
        accuracy: The fraction of them that is right.
        ece: The expected calibration error, in 0 to 1.
    """

    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    ece: float


def calibrate(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> Calibration:
    r"""Compares confidence with accuracy (Guo et al., https://arxiv.org/abs/1706.04599, equations 2 and 3).

    .. math::
        ECE = \sum_m |B_m| / n \; |acc(B_m) - conf(B_m)|, \quad B_m = \{i : (m - 1) / M < p_i \le m / M\}

    Args:
        confidence: Probability p of the class that a model names, (N,).
        right: Whether it is right, (N,).
        bins: M, equally wide.
    """
    edges = np.linspace(0, 1, bins + 1)
    place = np.digitize(confidence, edges[1:-1], right=True)
    counts = np.bincount(place, minlength=bins)
    filled = np.where(counts > 0, counts, np.nan)
    means = [np.bincount(place, weights=values, minlength=bins) / filled for values in (confidence, right)]
    gaps = np.nan_to_num(np.abs(means[1] - means[0]))
    return Calibration(counts, *means, float((counts * gaps).sum() / max(len(confidence), 1)))


def confuse(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts of samples by their class (row) and what was said of them (column), (C, C).

    Here and below samples of the label -1, which are of none of the classes, are left out.
    """
    places = (labels * classes + predicted)[labels >= 0]
    return np.bincount(places, minlength=classes**2).reshape(classes, classes)


def class_counts(labels: np.ndarray, classes: int) -> np.ndarray:
    """How many samples each class has, (C,)."""
    return np.bincount(labels[labels >= 0], minlength=classes)


def class_accuracies(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """The fraction of each class that is right, (C,); NaN for a class without a sample."""
    return class_means(labels, predicted == labels, classes)


def class_means(labels: np.ndarray, values: np.ndarray, classes: int) -> np.ndarray:
    """The mean of a value over each class, (C,); NaN for a class without a sample."""
    counts, known = class_counts(labels, classes), labels >= 0
    sums = np.bincount(labels[known], weights=values[known], minlength=classes)
    return sums / np.where(counts > 0, counts, np.nan)


def most_confused(matrix: np.ndarray, count: int) -> list[tuple[int, int]]:
    """The pairs of a class and another that was named in its place, the most frequent first."""
    errors = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-errors, axis=None, kind='stable')[:count]
    pairs = [divmod(int(place), len(matrix)) for place in order]
    return [pair for pair in pairs if errors[pair] > 0]


def agreement(predicted: Mapping[str, np.ndarray]) -> np.ndarray:
    """The fraction of samples of which two models say the same, (K, K), in the order of the models."""
    stacked = np.stack(list(predicted.values()))
    return (stacked[:, None] == stacked[None]).mean(axis=-1)


def share(part: np.ndarray, whole: np.ndarray) -> float:
    """How often ``part`` is true where ``whole`` is, in 0 to 1; NaN if that is nowhere."""
    return float(part[whole].mean()) if whole.any() else float('nan')


@dataclass(frozen=True)
class Change:
    """What became of each sample between two models.

    Attributes:
        fixed: Samples that the second alone is right about.
        broken: Those that the first alone is right about.
        difference: Of the accuracies, second minus first, in -1 to 1.
        low: Where its 95 % interval begins, over samples and of these two networks only, and
        high: where it ends: the adjusted Wald interval of Agresti and Min (https://doi.org/10.1002/sim.1781), d -+ 1.96
            sqrt(b + c - (b - c)^2 / n) / n around d = (b - c) / n, where half a sample has been added to the b fixed
            and to the c broken ones and 2 to all n, so that it is no point where nothing changed.
        p: Of the exact McNemar test: of fixed and broken together, so uneven a part would by chance be fixed.
    """

    fixed: np.ndarray
    broken: np.ndarray
    difference: float
    low: float
    high: float
    p: float


def change(before: np.ndarray, after: np.ndarray) -> Change:
    """Compares two models by whether each is right about each of N samples, (N,) both."""
    fixed, broken = np.flatnonzero(after & ~before), np.flatnonzero(before & ~after)
    gained, lost, count = len(fixed), len(broken), max(len(before), 1)
    wide = count + 2
    middle = (gained - lost) / wide
    spread = QUANTILE * np.sqrt(gained + lost + 1 - (gained - lost) ** 2 / wide) / wide
    p = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    return Change(fixed, broken, (gained - lost) / count, middle - spread, middle + spread, float(p))
