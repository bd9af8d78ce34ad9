"""The report's figures: standard error, gain, and a word where a student only guesses."""

import math

import pytest

from mmdualkd.workflow.outcome import Distilled, Row
from mmdualkd.workflow.report import write_report


def outcome(folder, accuracy, alone=None):
    rows = [Row('teacher vit', 90.0, 2_000_000, 1.5, '')]
    rows += [Row('student alone', alone, 500_000, 0.2, '')] if alone is not None else []
    rows.append(Row('student distilled', accuracy, 500_000, 0.2, ''))
    return Distilled(folder, 'videos', list('0123'), 100, {}, rows, dict(data=60.0, x=30.0))


def test_the_text_has_each_models_figures_the_gain_and_the_standard_error(tmp_path):
    text = write_report(outcome(tmp_path, 80.0, alone=70.0))
    assert '| student distilled | 80.0    | 0.50 M     | 0.2' in text
    share = 81 / 102
    error = 100 * math.sqrt(share * (1 - share) / 100)
    assert f'reaches 80.0 % (standard error {error:.1f}), +10.0 to the student alone' in text
    assert f'up to {2 * math.sqrt(2) * error:.0f} may be luck' in text and '90.0 s' in text and 'guessing' not in text
    assert text == (tmp_path / 'report.md').read_text() and (tmp_path / 'report.png').is_file()


def test_a_student_that_only_guesses_is_called_so(tmp_path):
    assert 'no better than guessing' in write_report(outcome(tmp_path, 30.0))
    assert 'no better than guessing' not in write_report(outcome(tmp_path, 40.0))


@pytest.mark.parametrize('accuracy', [0.0, 100.0])
def test_all_right_or_all_wrong_still_has_a_standard_error(tmp_path, accuracy):
    assert '(standard error 0.0)' not in write_report(outcome(tmp_path, accuracy))
