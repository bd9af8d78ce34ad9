"""Paired differences against exact distributions: binomials, and all resamples of few values."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import binom

from mmdualkd.study.comparison import compare, describe
from mmdualkd.study.logs import Result
from mmdualkd.study.runs import Run, State


@pytest.mark.parametrize(('ones', 'count'), [(6, 10), (15, 20), (3, 12)])
def test_the_interval_of_a_share_is_that_of_the_binomial_distribution(ones, count):
    found = describe([1.0] * ones + [0.0] * (count - ones))
    exact = binom.ppf([0.025, 0.975], count, ones / count) / count  # a resample's sum is binomial
    assert (found['low'], found['high']) == pytest.approx(tuple(exact))
    assert found['mean'] == pytest.approx(ones / count)


def test_the_interval_of_three_pairs_is_that_of_all_their_resamples():
    values = [-1.0, 2.5, 4.0]
    means = sorted(sum(drawn) / 3 for drawn in itertools.product(values, repeat=3))  # 27, each as likely
    found = describe(values)
    assert (found['low'], found['high']) == pytest.approx((means[0], means[-1]))  # 1/27 is above 2.5 %


def test_the_interval_of_many_pairs_is_the_normal_one():
    values = np.random.default_rng(5).normal(1.0, 3.0, 100)
    found, half = describe(values), 1.96 * values.std() / 10
    assert found == describe(values)  # drawn from one seed
    assert found['low'] == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found['high'] == pytest.approx(values.mean() + half, abs=0.1 * half)


@pytest.mark.parametrize(
    ('values', 'above', 'below'), [([1, 2, 3, 4, 5, 6], 6, 0), ([3, 1, -2, 0, 0, 5, 4, -1], 4, 2), ([0, 0, 0], 0, 0)]
)
def test_the_sign_test_is_the_sum_of_binomial_terms_and_ties_do_not_count(values, above, below):
    found, count = describe(values), above + below
    tail = sum(math.comb(count, k) for k in range(max(above, below), count + 1)) / 2**count
    assert (found['above'], found['below']) == (above, below)
    assert found['sign_p'] == pytest.approx(min(2 * tail, 1.0))


@pytest.mark.parametrize('values', [[], [2.0], [2.0, 3.0], [2.0, 2.0, 2.0], [62.3 - 60.1, 61.1 - 58.9, 40.7 - 38.5]])
def test_there_is_no_interval_of_fewer_than_three_pairs_or_of_equal_differences(values):
    found = describe(values)
    assert (found['low'], found['high'], found['pairs']) == (None, None, len(values))
    assert found['mean'] == (pytest.approx(sum(values) / len(values)) if values else None)


def test_a_mean_that_is_zero_but_for_rounding_has_no_sign():
    values = [1.414141414, -1.818181818, 0.404040404]
    assert np.mean(values) < 0 and f'{describe(values)["mean"]:+.1f}' == '+0.0'


def run(row, split, seed, top1, teacher=False):
    return Run(row, split, seed, '', None, {}, teacher, State(result=top1 and Result(top1, None, None, None)))


def test_pairs_are_of_one_split_and_seed_and_both_are_finished():
    ours = [run('A', 'x', 0, 50.0), run('A', 'x', 1, 52.0), run('A', 'y', 0, 90.0), run('A', 'y', 1, None)]
    theirs = [run('B', 'y', 1, 70.0), run('B', 'y', 0, 80.0), run('B', 'x', 0, 51.0), run('B', 'x', 1, None)]
    found = compare([*ours, *theirs], 'A', 'B')
    assert (found['pairs'], found['mean'], found['above'], found['below']) == (2, 4.5, 1, 1)


def test_a_teacher_that_is_trained_once_stands_for_every_seed_of_its_split():
    runs = [run('T', 'x', 0, 60.0, True), run('T', 'y', 0, 80.0, True)]
    runs += [run('A', split, seed, 70.0 + seed) for split in 'xy' for seed in (1, 2)]
    assert compare(runs, 'A', 'T') == describe([11.0, 12.0, -9.0, -8.0])
