"""Studies: rows trained over splits and seeds, gone on with where they stopped, and their table."""

import re

from helpers import TOOLS, run
from jobs import stock_job

STUDY = """
title = 'Two rates.'
seeds = [0, 1]
splits = dict(clips=dict(name='clips', config={config!r}))
teachers = [dict(name='Teacher', config='{{config}}')]
rows = [dict(name='fast', config='{{config}}', options={{'optim_wrapper.optimizer.lr': 0.1}})]
"""


def test_a_study_trains_teachers_and_rows_writes_their_table_and_goes_on_where_it_stopped(tmp_path):
    job = stock_job(tmp_path / 'job', epochs=1)
    study = tmp_path / 'rates.py'
    study.write_text(STUDY.format(config=str(job.config)))
    words = (TOOLS / 'run_study.py', study, '--jobs', 1)
    first = run(*words, '--rows', 'Teacher', cwd=tmp_path, fresh=True)
    assert 'teachers: 1 trainings, 1 to do' in first
    second = run(*words, '--splits', 'clips', cwd=tmp_path)
    assert 'teachers: 1 trainings, 0 to do' in second and 'rows: 2 trainings, 2 to do' in second
    table = (tmp_path / 'work_dirs' / 'studies' / 'rates' / 'table.md').read_text()
    top1 = dict(re.findall(r'fast, clips, seed (\d): ([\d.]+) %', second))
    mean = sum(map(float, top1.values())) / 2
    assert set(top1) == {'0', '1'} and re.search(rf'\| fast \| {mean:.1f} ± [\d.]+ \|', table), table
    lr = '"lr": 0.1'
    assert lr in next(tmp_path.glob('work_dirs/studies/rates/fast/clips/seed0/*/vis_data/scalars.json')).read_text()


def test_a_training_that_fails_ends_the_study_with_its_last_line(tmp_path):
    study = tmp_path / 'wrong.py'
    study.write_text(STUDY.format(config='configs/none.py'))
    output = run(TOOLS / 'run_study.py', study, '--rows', 'fast', cwd=tmp_path, ok=False)
    assert "fast, clips, seed 0 failed: ConfigError: config='configs/none.py' is not a file" in output


def test_a_row_or_split_that_the_study_does_not_have_is_an_error(tmp_path):
    study = tmp_path / 'rates.py'
    study.write_text(STUDY.format(config='configs/none.py'))
    for option, name, near in (('--rows', 'fst', 'fast'), ('--splits', 'clip', 'clips')):
        output = run(TOOLS / 'run_study.py', study, option, name, cwd=tmp_path, ok=False)
        assert f'ConfigError: {option}={name!r} names no {option[2:-1]} of {study}; did you mean {near!r}?' in output
