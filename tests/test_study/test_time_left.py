"""The estimate of the time left, several trainings at once."""

import time
from pathlib import Path

import pytest

from mmdualkd.study.logs import Result
from mmdualkd.study.runs import Run, State
from mmdualkd.study.time_left import time_left


def run(row, seed, seconds=None, status='waiting', teacher=False, split='x'):
    result = seconds and Result(50.0, seconds, None, None)
    state = State('finished' if result else status, None, result or None)
    return Run(row, split, seed, '', Path(f'{row}-{split}-{seed}'), {}, teacher, state)


@pytest.mark.parametrize(('jobs', 'left'), [(1, '20 min'), (2, '10 min'), (3, '10 min'), (4, '5 min')])
def test_what_waits_begins_when_one_ends(jobs, left):
    runs = [run('A', 0, 300.0), *(run('A', seed) for seed in range(1, 5))]
    assert time_left(runs, {}, jobs) == f'{left} left'


def test_what_runs_has_its_begin_behind_it_and_rows_wait_for_all_teachers():
    now = time.time()
    runs = [
        run('T', 0, 600.0, teacher=True),
        run('T', 0, status='running', teacher=True, split='y'),
        run('A', 0, 240.0),
    ]
    runs += [run('A', seed) for seed in (1, 2)]
    assert time_left(runs, {runs[1]: now - 300}, 2) == '9 min left'
    assert time_left(runs, {runs[1]: now - 900}, 2) == '4 min left'  # longer than expected is no less than nothing
    assert time_left(runs, {runs[1]: now - 900}, 1) == '8 min left'
    long = [run('A', 0, 300.0), run('B', 0, 900.0), run('A', 1), run('A', 2), run('B', 1, status='running')]
    assert time_left(long, {long[-1]: now}, 2) == '15 min left'  # which has its place before those that wait


def test_a_row_is_timed_by_its_own_split_else_its_own_row_else_by_others_and_that_is_said():
    runs = [run('A', 0, 300.0), run('A', 0, 900.0, split='y'), run('A', 1)]
    assert time_left(runs, {}, 1) == '5 min left'
    assert time_left([*runs[:2], run('A', 0, split='z')], {}, 1) == '10 min left'
    assert time_left([*runs, run('B', 0)], {}, 1) == '15 min left (1 of 2 guessed by other rows)'
    assert time_left([*runs, run('T', 0, teacher=True)], {}, 1) == 'time left not known yet'
    assert time_left(runs[:2], {}, 1) == ''


def test_what_has_failed_is_not_waited_for_and_a_shared_teacher_counts_once():
    failed, teacher = run('A', 2, status='failed'), run('T', 0, 60.0, teacher=True)
    shared = [run('U', 0, teacher=True), run('U', 0, teacher=True)]
    held = run('A', 3)
    held.state.error = 'its teacher has failed'
    assert time_left([run('A', 0, 300.0), run('A', 1), failed, held], {}, 1) == '5 min left'
    assert time_left([teacher, *shared], {}, 1).startswith('60.0 s left')


def test_what_takes_longer_than_all_others_is_not_about_to_end():
    runs = [run('T', 0, 60.0, teacher=True), run('U', 0, status='running', teacher=True)]
    assert time_left(runs, {runs[1]: time.time() - 90}, 2) == 'time left not known: longer than expected already'
    short = [run('A', 0, 0.2), run('A', 1)]
    assert time_left(short, {}, 2) == '200 ms left'  # none of them has begun
