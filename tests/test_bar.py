"""How far long work is, in a terminal and in a log file."""

import io
import re
import sys

from mmdualkd import bar


def test_in_a_log_file_long_work_is_a_line_now_and_then(capsys, monkeypatch):
    clock = iter((0.0, 4.0, 6.0, 30.0, 36.0, 100.0))  # as it begins, and after each step
    monkeypatch.setattr(bar.time, 'monotonic', lambda: next(clock))
    with bar.progress(8, 'reading') as done:
        for count in (1, 1, 1, 1, 4):
            done(count)
    assert capsys.readouterr().err.splitlines() == [
        'reading: 2 of 8, 0:00:18 left',  # three times the 6 seconds
        'reading: 4 of 8, 0:00:36 left',
    ]


def test_in_a_terminal_long_work_is_a_bar_that_hides_no_cursor(monkeypatch):
    monkeypatch.setenv('TERM', 'xterm')
    shown = io.StringIO()
    shown.isatty = lambda: True
    monkeypatch.setattr(sys, 'stderr', shown)
    with bar.progress(4, 'reading') as done:
        done(3)
    assert re.search(r'reading .*3/4', shown.getvalue())
    assert '\x1b[2K' in shown.getvalue() and '\x1b[?25l' not in shown.getvalue()  # a kill would leave it hidden


def test_a_terminal_that_can_only_print_lines_has_lines(monkeypatch):
    monkeypatch.setenv('TERM', 'dumb')
    monkeypatch.setattr(bar, 'FIRST', 0)
    shown = io.StringIO()
    shown.isatty = lambda: True
    monkeypatch.setattr(sys, 'stderr', shown)
    with bar.progress(4, 'reading') as done:
        done(3)
    assert shown.getvalue().startswith('reading: 3 of 4, ')
