"""Figures of a report against the same figures counted by hand."""

import math

import numpy as np
import pytest

from mmdualkd.errors import ConfigError
from mmdualkd.report import charts
from mmdualkd.report.clips import choose
from mmdualkd.report.measures import (
    agreement,
    calibrate,
    change,
    class_accuracies,
    class_counts,
    class_means,
    confuse,
    most_confused,
    share,
)
from mmdualkd.report.predictions import Predictions, check_same_data

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 5, 200)
BEFORE, AFTER = (np.where(RNG.random(200) < rate, LABELS, RNG.integers(0, 5, 200)) for rate in (0.4, 0.6))


@pytest.mark.parametrize('bins', [15, 4])
def test_ece_is_that_of_guo_et_al(bins):
    confidence = np.concatenate([RNG.random(300), [0.0, 1.0, 0.25, 0.5]])
    right = RNG.random(304) < confidence**2
    expected = 0.0
    for m in range(1, bins + 1):
        of_bin = [
            i for i in range(304) if (m - 1) / bins < confidence[i] <= m / bins or (m == 1 and confidence[i] == 0)
        ]
        if of_bin:
            accuracy = sum(bool(right[i]) for i in of_bin) / len(of_bin)
            mean = sum(float(confidence[i]) for i in of_bin) / len(of_bin)
            expected += len(of_bin) / 304 * abs(accuracy - mean)
    found = calibrate(confidence, right, bins)
    assert found.ece == pytest.approx(expected) and found.counts.sum() == 304


def test_a_confidence_between_two_bins_is_in_the_lower_one():
    found = calibrate(np.array([0.0, 0.25, 0.5, 1.0]), np.ones(4, dtype=bool), 4)
    assert found.counts.tolist() == [2, 1, 0, 1]


def test_a_model_that_is_as_often_right_as_it_says_has_no_error():
    assert calibrate(np.full(10, 0.7), np.arange(10) < 7).ece == pytest.approx(0, abs=1e-12)
    assert calibrate(np.full(10, 0.9), np.zeros(10, dtype=bool)).ece == pytest.approx(0.9)


def test_confusion_and_class_accuracies_are_counts():
    matrix, by_class = confuse(LABELS, BEFORE, 6), class_accuracies(LABELS, BEFORE, 6)
    for row in range(5):
        said = [int(BEFORE[i]) for i in range(200) if LABELS[i] == row]
        assert [said.count(column) for column in range(6)] == matrix[row].tolist()
        assert by_class[row] == pytest.approx(said.count(row) / len(said))
    assert matrix[5].sum() == 0 and np.isnan(by_class[5])  # a class without a sample has no accuracy
    assert class_means(LABELS, BEFORE == LABELS, 6)[:5] == pytest.approx(by_class[:5])


def test_samples_of_no_class_are_left_out():
    labels, said = np.array([-1, 0, 1, -1, 1]), np.array([1, 0, 0, 0, 1])
    assert confuse(labels, said, 2).tolist() == [[1, 0], [1, 1]]
    assert class_counts(labels, 2).tolist() == [1, 2]
    assert class_accuracies(labels, said, 2).tolist() == [1, 0.5]


def test_the_most_confused_pairs_come_first_and_right_answers_do_not_count():
    matrix = np.array([[50, 3, 0], [7, 50, 0], [0, 0, 50]])
    assert most_confused(matrix, 5) == [(1, 0), (0, 1)]


def test_agreement_is_how_often_two_say_the_same():
    found = agreement(dict(a=BEFORE, b=AFTER, c=LABELS))
    assert found[0, 1] == found[1, 0] == pytest.approx(sum(map(int.__eq__, BEFORE.tolist(), AFTER.tolist())) / 200)
    assert found[1, 2] == pytest.approx((AFTER == LABELS).mean()) and np.diag(found).tolist() == [1, 1, 1]
    assert share(np.array([True, False, True]), np.array([True, True, False])) == 0.5
    assert math.isnan(share(np.array([True]), np.array([False])))


def test_fixed_and_broken_are_counted_and_tested_as_mcnemar_does():
    before, after = BEFORE == LABELS, AFTER == LABELS
    turn = change(before, after)
    fixed = [i for i in range(200) if after[i] and not before[i]]
    broken = [i for i in range(200) if before[i] and not after[i]]
    assert turn.fixed.tolist() == fixed and turn.broken.tolist() == broken
    n, b, c = 200, len(fixed), len(broken)
    assert turn.difference == pytest.approx(after.mean() - before.mean())
    tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
    assert turn.p == pytest.approx(min(1.0, 2 * tail))
    pairs = [1] * b + [-1] * c + [0] * (n - b - c)  # and one more that is half fixed, half broken, and one unchanged
    values, shares = np.array([*pairs, 1, -1, 0]), np.array([1] * n + [0.5, 0.5, 1])
    mean = np.average(values, weights=shares)
    spread = math.sqrt(np.average((values - mean) ** 2, weights=shares) / (n + 2))
    assert [turn.low, turn.high] == pytest.approx([mean - 1.959964 * spread, mean + 1.959964 * spread])


def test_two_models_that_say_the_same_differ_by_nothing():
    turn = change(np.array([True, False]), np.array([True, False]))
    assert (turn.difference, turn.p) == (0, 1) and -1 < turn.low == -turn.high < 0


def test_clips_are_the_surest_and_of_several_classes():
    labels, confidence = np.array([0] * 9 + [1]), np.linspace(0.9, 0.1, 10)
    assert choose(np.arange(10), labels, confidence) == [0, 1, 9, 2, 3, 4, 5, 6]


def predictions(**changes):
    values = dict(classes=['a', 'b'], files=['x/1.avi', 'x/2.avi'], labels=np.array([0, 1]), notes=['one; "two"'])
    return Predictions(**{**values, **changes})


def test_predictions_come_back_as_they_were_kept_and_only_under_their_key(tmp_path):
    path, kept = tmp_path / 'predictions.npz', predictions()
    kept.add('student', np.array([[0.9, 0.1], [0.7, 0.3]]))
    kept.weights['kd/vit'] = np.array([0.25, 0.75])
    kept.save(path, 'key')
    found = Predictions.load(path, 'key')
    assert (found.classes, found.files, found.notes) == (kept.classes, kept.files, kept.notes)
    assert found.predicted['student'].tolist() == [0, 0] and found.right('student').tolist() == [True, False]
    assert found.confidence['student'].tolist() == [0.9, 0.7] and found.weights['kd/vit'].tolist() == [0.25, 0.75]
    assert Predictions.load(path, 'other') is None
    path.write_bytes(path.read_bytes()[:100])
    assert Predictions.load(path, 'key') is None and Predictions.load(tmp_path / 'none.npz', 'key') is None


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(classes=['a', 'b', 'c']), 'has 3 classes, the distillation 2'),
        (dict(classes=['a', 'c']), "calls class 1 'c', the distillation 'b'"),
        (dict(files=['1.avi'], labels=np.array([0])), 'validated on 1 samples, the distillation on 2'),
        (dict(files=['y/1.avi', 'y/3.avi']), "other samples: '3.avi' stands where '2.avi' does"),
        (dict(labels=np.array([0, 0])), 'other samples'),
    ],
)
def test_trainings_of_other_classes_or_samples_are_not_compared(changes, message):
    check_same_data(predictions(), predictions(files=['elsewhere/1.avi', 'elsewhere/2.avi']), '--against')
    with pytest.raises(ConfigError, match=message):
        check_same_data(predictions(), predictions(**changes), '--against')


def test_a_long_curve_keeps_its_band_and_many_of_them_stay_small():
    steps, values = list(range(1000)), RNG.random(1000)
    curves = {f'row{number}': (steps, list(values)) for number in range(40)}
    bands = {name: (values - 0.1, values + 0.1) for name in curves}
    picture = charts.lines('one', {'row0': curves['row0']}, bands)
    assert picture.count('opacity: 0.15') == 1
    assert len(charts.lines('all', curves, bands)) < 2 * len(charts.lines('few', dict(list(curves.items())[:8]), bands))
