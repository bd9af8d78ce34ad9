"""Studies: rows trained over splits and seeds, gone on with where they stopped, and their table."""

import argparse
import json
import re
from pathlib import Path

import pytest
from cache_jobs import cache_job, losses_of
from helpers import ROOT, TOOLS, run
from jobs import stock_job

from mmdualkd.launch import load_config
from mmdualkd.study.configs import config_of
from mmdualkd.study.file import read_study
from mmdualkd.study.runs import plan

STUDY = """
title = 'Two rates.'
seeds = [0, 1]
splits = dict(clips=dict(name='clips', config={config!r}))
teachers = [dict(name='Teacher', config='{{config}}')]
rows = [dict(name='fast', config='{{config}}', options={{'optim_wrapper.optimizer.lr': 0.1}})]
"""


def test_a_study_trains_writes_its_table_goes_on_where_it_stopped_and_never_mixes_settings(tmp_path):
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
    runs = json.loads((tmp_path / 'work_dirs' / 'studies' / 'rates' / 'study.json').read_text())['runs']
    assert [(run['status'], run['teacher']) for run in runs] == [('finished', place == 0) for place in range(3)]
    assert {seed: f'{run["top1"]:.1f}' for seed, run in zip('01', runs[1:], strict=True)} == top1
    assert all(0 < run['data_seconds'] < run['step_seconds'] < run['seconds'] for run in runs)

    options = ('--cfg-options', 'train_cfg.max_epochs=2')
    output = run(*words, *options, cwd=tmp_path, ok=False)
    asked = r"'work_dirs/job' was trained with no train_cfg.max_epochs, this one has train_cfg.max_epochs=2; remove"
    assert re.search(rf'^ConfigError: Teacher, clips, seed 0: {asked}', output, re.M), output
    for record in tmp_path.glob('work_dirs/**/settings.json'):  # an older study has none
        record.unlink()
    output = run(*words, *options, cwd=tmp_path)
    assert 'teachers: 1 trainings, 0 to do' in output and 'rows: 2 trainings, 0 to do' in output


SHARED = """
title = 'Two methods.'
seeds = [0]
views = 2
splits = dict(clips=dict(name='clips'))
rows = [
    dict(name='Full method', config={config!r}, options={{'log_level': 'INFO'}}),
    dict(name='KD', config={config!r}, options={{'model.terms.kd.type': 'FusedKD', 'log_level': 'INFO'}}),
    dict(name='Online', config={config!r}, options={{'model.teacher_cache': None, 'log_level': 'INFO'}})]
"""


def test_rows_of_the_same_teachers_share_one_cache_and_give_what_the_teachers_themselves_give(tmp_path):
    job = cache_job(tmp_path / 'job', epochs=2)
    study = tmp_path / 'shared.py'
    study.write_text(SHARED.format(config=str(job.config)))
    output = run(TOOLS / 'run_study.py', study, '--jobs', 1, cwd=tmp_path)
    place = tmp_path / 'work_dirs' / 'studies' / 'shared'
    assert output.count('teachers of 2 trainings: 2 views into') == 1
    assert len(list((place / 'teachers').glob('*/cache/manifest.json'))) == 1
    used = {log.parts[-4]: 'no teacher is built or run' in log.read_text() for log in place.glob('*/*/*/train.log')}
    assert used == {'Full_method': True, 'KD': True, 'Online': False}
    ours, online = (losses_of(place / row / 'clips' / 'seed0') for row in ('Full_method', 'Online'))
    assert ours == pytest.approx(online, rel=5e-3)
    table, body = (place / 'table.md').read_text(), json.loads((place / 'study.json').read_text())
    assert re.search(r'\| KD \| [\d.]+ \| .* \| 1 \| \d+ \|', table)
    (cache,) = body['caches']
    files = list((tmp_path / cache['path']).glob('*.npy'))
    assert (cache['records'], cache['bytes']) == (16, sum(file.stat().st_size for file in files))
    assert cache['seconds'] > 0 and f'Cache `{cache["path"]}`: 16 records' in table
    assert {run['row'] for run in body['runs'] if run['cache'] == cache['path']} == {'Full method', 'KD'}
    assert 'What teachers add to a step, in seconds: Online against Full method.' in table


def test_a_shared_cache_takes_the_class_count_from_the_top_of_a_leaf(tmp_path):
    base = next((TOOLS.parent / 'configs' / 'dualkd' / 'hmdb51').glob('dualkd_mvit*x3d-s*.py'))
    (tmp_path / 'leaf.py').write_text(f'_base_ = {str(base)!r}\nnum_classes = 12')
    cfg = config_of(str(tmp_path / 'leaf.py'), {'model.terms.kd.teachers': '[cnn]'})
    (tmp_path / 'whole.py').write_text(cfg.pretty_text)
    args = dict(launcher='none', local_rank=0, work_dir=None, cfg_options=None)
    whole = load_config(argparse.Namespace(config=str(tmp_path / 'whole.py'), **args))
    assert whole.model.num_classes == 12 and whole.model.terms.kd.teachers == ['cnn']


def test_a_training_that_fails_is_named_with_its_last_line_and_its_log(tmp_path):
    study = tmp_path / 'wrong.py'
    (tmp_path / 'none.py').write_text("model = dict(type='mmdualkd.Distiller')")
    study.write_text(STUDY.format(config='none.py'))
    output = run(TOOLS / 'run_study.py', study, '--rows', 'Teacher', cwd=tmp_path, ok=False)
    message = (
        r'Teacher, clips, seed 0{} ConfigError: default_hooks.checkpoint has no type.* \(work_dirs/none/train.log\)'
    )
    assert re.search(message.format(' failed:'), output) and '| fast | – | – | 2 |' in output
    assert re.fullmatch(f'1 of 1 trainings failed: {message.format(":")}', output.splitlines()[-1])


def test_a_row_or_split_that_the_study_does_not_have_is_an_error(tmp_path):
    study = tmp_path / 'rates.py'
    study.write_text(STUDY.format(config='configs/none.py'))
    for option, name, near in (('--rows', 'fst', 'fast'), ('--splits', 'clip', 'clips')):
        output = run(TOOLS / 'run_study.py', study, option, name, cwd=tmp_path, ok=False)
        assert f'ConfigError: {option}={name!r} names no {option[2:-1]} of {study}; did you mean {near!r}?' in output


@pytest.mark.parametrize(
    'text, message',
    [
        ('title = ""', 'needs `title`, a str that is not empty'),
        ('rows = []', 'needs `rows`, a list that is not empty'),
        ('views = 0', 'views must be a whole number from 1 to 9999, got 0'),
        ('cache_dtype = "float8"', "cache_dtype='float8' names no type of what a cache keeps; did you mean"),
        ('splits = 3', 'needs `splits`, a dict that is not empty'),
        ('splits = dict(a=dict(nam="a"))', "splits['a'] needs a `name`"),
        ('seeds = []', 'seeds must be a list of whole numbers from 0, got []'),
        ('rows[0]["seeds"] = 3', 'rows[0].seeds must be a list of whole numbers from 0, got 3'),
        ('rows[0].pop("name")', 'rows[0] needs a `name`'),
        ('rows *= 2', "rows[1]: there is a row or teacher of the name 'fast' already"),
        ('rows[0]["optoins"] = {}', "rows[0] (fast): 'optoins' is no field of it; did you mean 'options'?"),
        ('rows[0]["options"] = 3', 'rows[0].options must be a dict, got 3'),
        ('rows[0]["config"] = "{confg}"', "has the field 'confg', which splits['clips'] does not give; did you mean"),
        ('rows += [dict(name="fa_st", config="{config}"), dict(name="fa st", config="{config}", options=dict(a=1))]',
         "with no a, this one has a=1; give them other names"),
        ('rows = [', "cannot be read: study.py, line 7: SyntaxError: '[' was never closed"),
        ('rows[0]["options"] = dict(terms="rds")', "fast, clips, seed 0: --cfg-options terms='rds' is no fragment"),
        ('rows[0]["config"] = "mmdualkd::demo/student_alon.py"', "mmdualkd has no such config; did you mean"),
        ('rows[0]["config"] = "jop.py"', "fast, clips, seed 0: config='jop.py' is not a file; did you mean job.py?"),
    ],
)  # fmt: skip
def test_a_study_that_makes_no_table_is_one_clear_line_before_any_training(tmp_path, text, message):
    study = tmp_path / 'study.py'
    (tmp_path / 'job.py').write_text('model = dict(student={})')
    study.write_text(f'{STUDY.format(config="job.py")}{text}\n')
    output = run(TOOLS / 'run_study.py', 'study.py', cwd=tmp_path, ok=False)
    assert output.startswith('ConfigError: ') and message in output and output.count('\n') == 1, output
    assert not (tmp_path / 'work_dirs').exists()


@pytest.mark.parametrize(
    'words, message',
    [
        (['stud.py'], "ConfigError: study='stud.py' is not a file; did you mean study.py?"),
        (['study.pyy'], "ConfigError: study='study.pyy' is not a file; did you mean study.py?"),
        (['.'], "ConfigError: study='.' is a folder: name a file in it"),
        (['study.py', '--jobs', '0'], "argument --jobs: must be a whole number from 1, got '0'"),
        (['study.py', '--out', 'job.py/table.md'], "ConfigError: --out='job.py' cannot be written"),
        (['study.py', '--out', '/dev/null'], "ConfigError: --out='/dev/null' is a device"),
        (['study.py', '--out', '.'], "ConfigError: --out='.' is a folder; name a file in it"),
        (['study.py', '--dry-run', '--out', '.'], "ConfigError: --out='.' is a folder; name a file in it"),
    ],
)
def test_a_command_line_that_cannot_work_is_refused_before_any_training(tmp_path, words, message):
    (tmp_path / 'study.py').write_text(STUDY.format(config='job.py'))
    (tmp_path / 'job.py').write_text("model = dict(type='a')")
    output = run(TOOLS / 'run_study.py', *words, cwd=tmp_path, ok=False)
    assert message in output and 'Traceback' not in output and not (tmp_path / 'work_dirs' / 'job').exists()


def test_a_row_names_a_config_of_a_zoo_as_other_commands_do(tmp_path, monkeypatch):
    (tmp_path / 'study.py').write_text(STUDY.format(config='mmdualkd::demo/student_alone.py'))
    monkeypatch.chdir(tmp_path)
    runs = list(plan(read_study(Path('study.py')), Path('work_dirs'), {}))
    runs[0].check()
    assert {Path(training.file).resolve() for training in runs} == {ROOT / 'configs' / 'demo' / 'student_alone.py'}


@pytest.mark.parametrize('study', sorted((TOOLS / 'studies').glob('*.py')), ids=lambda path: path.stem)
def test_a_study_of_ours_finds_its_configs_from_an_empty_folder(study, tmp_path, monkeypatch):
    (tmp_path / 'data' / 'pictures' / 'train' / 'cat').mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    runs = list(plan(read_study(study), Path('work_dirs'), {}))
    for training in runs:
        training.check()
    assert all(Path(training.file).is_file() for training in runs)
