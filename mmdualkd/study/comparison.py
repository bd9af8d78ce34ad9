"""Paired differences of rows, with an interval and a test."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from .runs import Run

RESAMPLES = 9999
LEAST = 3  # pairs that an interval is made of


def compare(runs: Sequence[Run], row: str, other: str) -> dict[str, Any]:
    """How much a row's top-1 is above another row's, over the pairs of a split and a seed that both have finished.

    A teacher is trained once a split: its training stands for every seed.

    Args:
        runs: All trainings of the study.
        row: The row.
        other: The one that it is compared with.

    Returns:
        As :func:`describe`.
    """
    ours, theirs = ({(run.split, run.seed): run.top1 for run in runs if run.row == name} for name in (row, other))
    once = {run.row for run in runs if run.teacher}
    pairs = [(key, (key[0], 0) if other in once else key) for key in ours]
    found = [(ours[one], theirs.get(two)) for one, two in pairs]
    return describe([mine - yours for mine, yours in found if mine is not None and yours is not None])


def describe(differences: Sequence[float]) -> dict[str, Any]:
    """Mean, interval and test of paired differences.

    The interval is the percentile bootstrap's of the mean (Efron and Tibshirani, An Introduction to the Bootstrap,
    1993, chapter 13): differences are drawn with replacement, 9,999 times from seed 0, whatever split or seed they are
    of. The test is the two-sided sign test: of the pairs that differ, how many are above zero, where either sign is as
    likely.

    Args:
        differences: One a pair.

    Returns:
        ``pairs``, ``mean``, ``low`` and ``high`` of the 95 % interval, ``above`` and ``below`` (how many pairs are),
        ``sign_p``. Mean and test are None without a pair; the interval is None with fewer than three, or if all
        differences are equal.
    """
    values = np.asarray(differences, dtype=np.float64).round(9)  # differences of equal accuracies are equal
    above, below = int((values > 0).sum()), int((values < 0).sum())
    low = high = sign_p = None
    if len(values) >= LEAST and np.ptp(values) > 0:
        low, high = map(
            float,
            stats.bootstrap(
                (values,), np.mean, n_resamples=RESAMPLES, method='percentile', rng=np.random.default_rng(0)
            ).confidence_interval,
        )
    if len(values):
        sign_p = float(stats.binomtest(above, above + below).pvalue) if above + below else 1.0
    mean = float(values.mean().round(9)) + 0.0 if len(values) else None  # no -0.0
    return dict(pairs=len(values), mean=mean, low=low, high=high, above=above, below=below, sign_p=sign_p)
