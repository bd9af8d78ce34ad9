"""Logs of MMEngine are read again."""

from mmdualkd.scalars import read_log, top1_of


def test_a_line_that_is_cut_short_or_no_entry_is_passed_over(tmp_path):
    log = tmp_path / 'scalars.json'
    log.write_text('{"loss": 1.0, "step": 1}\n7\n{"acc/top1": 0.5}\n{"acc/to')
    assert read_log(log) == [{'loss': 1.0, 'step': 1}, {'acc/top1': 0.5}]


def test_both_libraries_metrics_are_percent():
    assert top1_of({'acc/top1': 0.5}) == 50 and top1_of({'accuracy/top1': 50.0}) == 50
    assert top1_of({'loss': 1.0}) is None
