"""tools/run_study.py with a script in place of tools/train.py, which logs what a training would and takes no time."""

import csv
import json
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from helpers import gone
from run_study import main

from mmdualkd import processes
from mmdualkd.errors import CheckpointError, ConfigError, DataError
from mmdualkd.study import configs
from mmdualkd.study import record as record_module

TRAIN = """
import json, os, pathlib, subprocess, sys, time
words = sys.argv
options = dict(word.split('=', 1) for word in words[words.index('--cfg-options') + 1 :])
config, seed = pathlib.Path(words[1]), words[words.index('--seed') + 1]
place = pathlib.Path(words[words.index('--work-dir') + 1])
(place / 'last_checkpoint').write_text('epoch_9.pth')
(place / 'epoch_9.pth').touch()

def wait_for(path):
    while not pathlib.Path(path).exists():
        time.sleep(0.01)

{lines}
log = place / str(time.time_ns()) / 'vis_data' / 'scalars.json'
log.parent.mkdir(parents=True)
step = float(options.get('step', 0.1))
lines = [dict(loss=1, time=9, data_time=9)] + [dict(loss=1, time=step, data_time=step / 2)] * 3
lines.append({{'acc/top1': float(options.get('acc', 0.5)) + int(seed) / 100}})
log.write_text(''.join(json.dumps(line) + '\\n' for line in lines))
cpu = options.get('cpu', 'AVX2')
head = f'    PyTorch: 2.13.0+cpu\\n  - CPU capability usage: {{cpu}}\\n'
(log.parents[1] / f'{{log.parents[1].name}}.log').write_text(head)
"""

CONFIG = """
model = dict(type='None', student=dict(config=dict(type='s')), teachers=dict({teachers}))
train_dataloader = dict(batch_size=2, dataset=dict(type='d'))
"""

STUDY = """
title = 'Of a script.'
seeds = [0, 1, 2]
splits = dict(x=dict(name='x'), y=dict(name='y'))
teachers = [dict(name='Teacher', config='teacher.py')]
against = 'Alone'
rows = [
    dict(name='Alone', config='alone.py'),
    dict(name='KD', config='kd.py', options=dict(acc=0.6, step=0.35)),
]
"""
PLACE = Path('work_dirs/studies/study')


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Runs the command in a folder with a study; ``lines`` are what the script does before it logs."""
    (tmp_path / 'tools').mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(processes, 'TOOLS', tmp_path / 'tools')
    monkeypatch.setattr(configs, 'check_settings', lambda cfg: None)  # these could not be trained
    Path('study.py').write_text(STUDY)
    Path('teacher.py').write_text(CONFIG.format(teachers=''))
    Path('alone.py').write_text("model = dict(type='s')\ntrain_dataloader = dict(batch_size=2, dataset=dict(type='d'))")
    Path('kd.py').write_text(CONFIG.format(teachers="t=dict(config='t', checkpoint='work_dirs/teacher/epoch_9.pth')"))

    def run(*words, lines=''):
        (tmp_path / 'tools' / 'train.py').write_text(TRAIN.format(lines=lines))
        monkeypatch.setattr(sys, 'argv', ['tools/run_study.py', 'study.py', *words])
        for known in (configs._read, configs._check_merged):  # of a command before, which another process would be
            known.cache_clear()
        main()

    return run


def record():
    return json.loads((PLACE / 'study.json').read_text())


def statuses():
    return {(run['row'], run['split'], run['seed']): run['status'] for run in record()['runs']}


def test_a_study_writes_its_runs_costs_and_paired_differences_as_json_csv_and_table(command, capsys):
    command('--against', 'Alone', 'Teacher')
    body, rows = record(), list(csv.DictReader((PLACE / 'table.csv').open()))
    assert (body['splits'], body['rows'], body['teachers']) == (['x', 'y'], ['Alone', 'KD'], ['Teacher'])
    assert body['command'] == 'python tools/run_study.py study.py --against Alone Teacher' and not body['caches']
    assert len(body['runs']) == len(rows) == 14 and set(statuses().values()) == {'finished'}
    kd = next(run for run in body['runs'] if (run['row'], run['seed']) == ('KD', 2))
    assert (kd['top1'], kd['step_seconds'], kd['data_seconds'], kd['cache']) == (pytest.approx(62), 0.35, 0.175, None)
    assert kd['options'] == dict(acc=0.6, step=0.35) and kd['seconds'] > 0 and not kd['teacher'] and not kd['error']
    assert float(rows[-1]['top1']) == pytest.approx(62) and rows[0]['teacher'] == 'True'
    assert {row: list(found) for row, found in body['against'].items()} == dict(
        Alone=['Teacher'], KD=['Alone', 'Teacher']
    )
    found = body['against']['KD']['Alone']
    assert (found['pairs'], found['mean'], found['low']) == (6, pytest.approx(10), None)
    assert found['sign_p'] == pytest.approx(2 / 64)
    table = (PLACE / 'table.md').read_text()
    assert re.search(r'\| KD \| 61.0 ± 1.0 \| 61.0 ± 1.0 \| 61.0 ± 1.0 \| 3 \| \d+ \| 0.35 \| 0.25 \|', table)
    assert 'What teachers add to a step, in seconds: KD against Alone.' in table
    assert '| minus Alone | pairs |' in table and '| KD | 6 | +10.0 | – | 6, 0 | 0.0312 |' in table
    assert capsys.readouterr().out.count(' left') >= 10


def test_rows_that_ran_on_machines_that_round_differently_are_told_once_and_in_the_table(command, capsys):
    Path('study.py').write_text(STUDY.replace('dict(acc=0.6,', "dict(cpu='AVX512', acc=0.6,"))
    command('--rows', 'Alone')
    assert 'round differently' not in capsys.readouterr().out + (PLACE / 'table.md').read_text()
    command()
    told = 'Rows ran on machines that round differently'
    assert capsys.readouterr().out.count(f'warning: {told}') == 1
    table = (PLACE / 'table.md').read_text()
    assert told in table and '\n- CPU with AVX2, torch 2.13.0+cpu: 6 of Alone\n' in table
    assert '\n- CPU with AVX512, torch 2.13.0+cpu: 6 of KD\n' in table
    machines = {run['row']: run['machines'] for run in record()['runs']}
    assert machines['KD'] == ['CPU with AVX512, torch 2.13.0+cpu'] and len(machines['Alone']) == 1
    command()
    assert f'warning: {told}' not in capsys.readouterr().out


def test_trainings_run_as_many_at_a_time_as_asked_for(command):
    waits = "(place / 'begun').touch(); [wait_for(f'{place.parent}/seed{one}/begun') for one in range(3)]"
    command('--rows', 'Alone', '--splits', 'x', '--jobs', '3', lines=waits)  # each waits for all
    found = statuses()
    assert [found['Alone', 'x', seed] for seed in (0, 1, 2)] == ['finished'] * 3
    assert {status for (_, split, _), status in found.items() if split == 'y'} == {'waiting'}


@pytest.mark.parametrize(
    'gpus, visible, expected', [(2, None, ['0', '1', '0']), (2, '5,7', ['5', '7', '5']), (1, '3', ['3', '3', '3'])]
)
def test_trainings_at_the_same_time_are_spread_over_several_gpus(command, monkeypatch, gpus, visible, expected):
    monkeypatch.setattr('torch.cuda.device_count', lambda: gpus)
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    if visible:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', visible)
    waits = "(place / 'gpu').write_text(os.environ['CUDA_VISIBLE_DEVICES'])\n"
    waits += "[wait_for(f'{place.parent}/seed{one}/gpu') for one in range(3)]"
    command('--rows', 'Alone', '--splits', 'x', '--jobs', '3', lines=waits)  # each waits for all
    assert [(PLACE / 'Alone' / 'x' / f'seed{seed}' / 'gpu').read_text() for seed in range(3)] == expected


def test_rows_are_trained_with_the_seeds_that_are_chosen_and_a_seed_of_no_row_is_an_error(command):
    command('--rows', 'Teacher', 'Alone', '--splits', 'x', '--seeds', '2')
    trained = {(row, seed) for (row, split, seed), status in statuses().items() if status == 'finished'}
    assert trained == {('Teacher', 0), ('Alone', 2)}
    with pytest.raises(ConfigError, match=r'--seeds=3 is a seed of no row that is chosen: these have 0, 1, 2'):
        command('--seeds', '3')


def test_a_training_that_fails_is_named_stops_no_other_leaves_a_gap_and_is_tried_again(command, capsys):
    fails = "'KD' in str(place) and seed == '1' and sys.exit('RuntimeError: of the script')"
    with pytest.raises(SystemExit, match=r'^2 of 13 trainings failed: KD, x, seed 1: RuntimeError'):
        command(lines=fails)
    output = capsys.readouterr().out
    assert f'KD, x, seed 1 failed: RuntimeError: of the script ({PLACE}/KD/x/seed1/train.log)' in output
    failed = [key for key, status in statuses().items() if status != 'finished']
    assert failed == [('KD', 'x', 1), ('KD', 'y', 1)]
    table = (PLACE / 'table.md').read_text()
    assert '| KD | 61.0 ± 1.4 (2 of 3) | 61.0 ± 1.4 (2 of 3) | 61.0 ± 1.4 (2 of 3) | 3 |' in table
    assert '2 of 14 trainings are not in it' in table and '- KD, x, seed 1: RuntimeError: of the script' in table
    command('--dry-run')
    output = capsys.readouterr().out
    assert 'KD, x, seed 1: to do (failed before: RuntimeError' in output and 'KD, x, seed 0: finished, 60.0 %' in output
    assert re.fullmatch(r'2 at a time: [\d.]+ m?s left', output.splitlines()[-1])
    command()
    output = capsys.readouterr().out
    assert 'rows: 12 trainings, 2 to do' in output and set(statuses().values()) == {'finished'}
    assert ' are not in it' not in output


def test_a_teacher_that_fails_holds_back_what_needs_it_and_nothing_else(command, capsys):
    fails = "config.stem == 'teacher' and os.kill(os.getpid(), 9)"
    with pytest.raises(SystemExit, match='^1 of 13 trainings failed: Teacher.*; 6 wait for a teacher$'):
        command(lines=fails)
    output = capsys.readouterr().out
    assert 'Teacher, x, seed 0 failed: ended by SIGKILL after no output (' in output
    assert 'Teacher, x, seed 0 failed: what needs it waits (KD)' in output
    assert {run['status'] for run in record()['runs'] if run['row'] == 'Alone'} == {'finished'}
    kd = [run for run in record()['runs'] if run['row'] == 'KD']
    assert {(run['status'], run['error']) for run in kd} == {('waiting', 'waits for Teacher, x, seed 0, which failed')}
    assert '| KD | – | – | – | 3 |' in (PLACE / 'table.md').read_text()
    Path('kd.py').write_text(CONFIG.format(teachers="t=dict(config='t', checkpoint='elsewhere.pth')"))
    with pytest.raises(SystemExit, match='^1 of 13 trainings failed'):
        command(lines=fails)
    assert 'no row names a file in work_dirs/teacher, so which need it is not known' in capsys.readouterr().out


def test_teachers_that_chosen_rows_lack_are_trained_first_and_no_others(command, capsys):
    Path('study.py').write_text(f"{STUDY}teachers.append(dict(name='Unread', config='unread.py'))")
    Path('unread.py').write_text(CONFIG.format(teachers=''))
    told = 'Teacher: trained first, chosen rows read checkpoints that are not there yet'
    command('--rows', 'KD', '--splits', 'x', '--dry-run')
    output = capsys.readouterr().out
    assert told in output and 'Teacher, x, seed 0: to do' in output and 'Unread' not in output
    command('--rows', 'Alone', '--splits', 'x')
    assert not Path('work_dirs/teacher').exists() and told not in capsys.readouterr().out
    command('--rows', 'KD', '--splits', 'x')
    assert told in capsys.readouterr().out and Path('work_dirs/teacher/finished').is_file()
    assert not Path('work_dirs/unread').exists()
    Path('work_dirs/teacher/finished').unlink()  # the checkpoint is of tools/train.py, say
    command('--rows', 'KD', '--splits', 'y')
    assert told not in capsys.readouterr().out and not Path('work_dirs/teacher/finished').exists()


def test_a_teacher_is_known_by_its_folder_however_a_row_spells_that(command, capsys, monkeypatch):
    monkeypatch.setenv('HOME', str(Path.cwd()))
    for place in ('./work_dirs/../work_dirs/teacher', '~/work_dirs/teacher'):
        Path('kd.py').write_text(CONFIG.format(teachers=f"t=dict(config='t', checkpoint='{place}/epoch_9.pth')"))
        command('--rows', 'KD', '--splits', 'x', '--dry-run')
        assert 'Teacher: trained first' in capsys.readouterr().out, place


def test_a_finished_teacher_without_what_rows_read_is_told_before_any_training(command):
    command('--rows', 'Teacher')
    Path('work_dirs/teacher/epoch_9.pth').rename('work_dirs/teacher/epoch_8.pth')
    message = (
        r'^KD, x, seed 0 reads work_dirs/teacher/epoch_9.pth, which is not there, but Teacher, x, seed 0 is finished '
        r"\(its checkpoints: epoch_8.pth\): name one of these, or remove or rename 'work_dirs/teacher' to train it anew"
    )
    for words in ([], ['--rows', 'KD']):
        with pytest.raises(ConfigError, match=message):
            command(*words)
    command('--rows', 'Alone', '--splits', 'x')
    with Path('study.py').open('a') as file:
        file.write("rows[1]['options']['model.teacher_cache'] = 'cache'\n")  # which is all that its rows need
    command('--splits', 'x', '--dry-run')


def test_a_row_that_is_not_chosen_stops_none_that_are(command):
    Path('study.py').write_text(
        f"{STUDY}views = 2\nrows.append(dict(name='Bad', config='kd.py', options=dict(terms='x')))"
    )
    command('--rows', 'Alone', '--splits', 'x')
    assert [statuses()['Alone', 'x', seed] for seed in range(3)] == ['finished'] * 3


def test_what_a_finished_training_left_is_damaged(command):
    command('--rows', 'Alone', '--splits', 'x')
    [log] = PLACE.glob('Alone/x/seed0/*/vis_data/scalars.json')
    whole = log.read_bytes()
    log.write_bytes(b'\xff\n' + whole)
    command('--rows', 'Alone', '--splits', 'x', '--dry-run')
    log.unlink()
    with pytest.raises(
        DataError, match='seed0. is finished, but its logs have no .*; remove or rename it to train anew'
    ):
        command('--rows', 'Alone', '--splits', 'x')
    log.write_bytes(whole)
    for text in ('[1]', 'null', ''):
        (PLACE / 'Alone' / 'x' / 'seed0' / 'settings.json').write_text(text)
        with pytest.raises(ConfigError, match='seed0/settings.json. cannot be read; delete it if'):
            command('--rows', 'Alone', '--splits', 'x')


def test_a_config_that_was_edited_since_is_refused_where_it_was_trained_and_its_results_mix_with_no_other(command):
    command('--rows', 'Alone', '--splits', 'x')
    config, settings = Path('alone.py'), PLACE / 'Alone' / 'x' / 'seed0' / 'trained_with.json'
    before = config.read_text()
    config.write_text(f'{before}\ntrain_dataloader["num_workers"] = 2  # which changes no result\n')
    command('--rows', 'Alone', '--splits', 'x', '--dry-run')
    config.write_text(before.replace('batch_size=2', 'batch_size=4'))
    with pytest.raises(
        ConfigError,
        match=r"seed0' was trained before alone\.py, or weights .*: train_dataloader\.batch_size 2 there, 4 here",
    ):
        command('--rows', 'Alone')
    command('--rows', 'Teacher')
    assert {status for (row, *_), status in statuses().items() if row == 'Alone'} == {'waiting'}
    config.write_text(before)
    settings.unlink()  # of an older study
    command('--rows', 'Alone', '--splits', 'x', '--dry-run')
    command('--rows', 'Teacher')
    assert [statuses()['Alone', 'x', seed] for seed in range(3)] == ['finished'] * 3


def test_rows_of_a_teacher_that_was_trained_anew_since_are_refused_unless_it_has_the_same_weights(command):
    command('--rows', 'KD', '--splits', 'x', '--seeds', '0')
    command('--rows', 'KD', '--splits', 'x', '--seeds', '0', '--dry-run')  # its stand-in of a file holds no weights
    for path in (PLACE / 'KD').rglob('finished'):
        path.unlink()
    teacher = Path('work_dirs/teacher/epoch_9.pth')
    torch.save(dict(state_dict=dict(weight=torch.zeros(2)), meta=dict(epoch=9)), teacher)
    command('--rows', 'KD', '--splits', 'x', '--seeds', '0')
    torch.save(dict(state_dict=dict(weight=torch.zeros(2)), meta=dict(epoch=9, time='later')), teacher)
    command('--rows', 'KD', '--splits', 'x', '--seeds', '0')
    torch.save(dict(state_dict=dict(weight=torch.ones(2))), teacher)
    match = (
        r"seed0' was trained before kd\.py, or weights .*: weights in teacher/epoch_9\.pth '\w{8}' there, '\w{8}' here"
    )
    with pytest.raises(ConfigError, match=match):
        command('--rows', 'KD', '--splits', 'x')
    command('--rows', 'Alone', '--splits', 'x')
    assert statuses()['KD', 'x', 0] == 'waiting'
    teacher.unlink()  # to save space
    Path('work_dirs/teacher/finished').unlink()
    command('--rows', 'KD', '--splits', 'x', '--seeds', '0')
    assert not teacher.exists()


@pytest.mark.parametrize('room', [0, 1, 2])
def test_a_full_disk_ends_the_command_with_what_was_full(command, capsys, monkeypatch, room):
    def full(self):
        raise CheckpointError(f'{self.folder}: No space left on device')

    write = record_module.Record.write
    counts = iter(range(9))
    monkeypatch.setattr(record_module.Record, 'write', lambda self: write(self) if next(counts) < room else full(self))
    with pytest.raises(CheckpointError, match='No space left on device'):
        command('--rows', 'Alone', '--splits', 'x')
    output = capsys.readouterr().out
    assert 'trainings were ended; the same command goes on' in output and ' failed: ' not in output


def test_splits_that_share_configs_have_their_own_teachers_by_a_work_dir(command, capsys):
    place = 'work_dirs/folds/{name}'
    Path('study.py').write_text(
        f"{STUDY}teachers[0]['work_dir'] = {place!r}\n"
        f"rows[1]['options']['model.teachers.t.checkpoint'] = {place + '/epoch_9.pth'!r}\n"
    )
    fails = "config.stem == 'teacher' and place.name == 'x' and sys.exit('RuntimeError: of x')"
    with pytest.raises(SystemExit, match='^1 of 14 trainings failed: Teacher, x, seed 0: .*; 3 wait for a teacher$'):
        command(lines=fails)
    assert 'Teacher, x, seed 0 failed: what needs it waits (KD)' in capsys.readouterr().out
    found = {(run['row'], run['split']): run for run in record()['runs']}
    assert found['Teacher', 'y']['status'] == 'finished' and Path('work_dirs/folds/y/finished').is_file()
    assert found['KD', 'y']['options']['model.teachers.t.checkpoint'] == 'work_dirs/folds/y/epoch_9.pth'
    with Path('study.py').open('a') as file:
        file.write("rows[0]['options'] = {'data_root': '{nam}/clips'}\n")
    with pytest.raises(ConfigError, match=r"options\['data_root'\]='\{nam\}/clips' .*field 'nam'.*did you mean 'name'"):
        command()


def test_a_cache_that_cannot_be_written_fails_its_rows_and_no_others(command, tmp_path):
    (tmp_path / 'tools' / 'cache_teachers.py').write_text('raise SystemExit("CacheError: the disk is full")')
    Path('study.py').write_text(f'{STUDY}views = 2\n')
    message = '^3 of 7 .*: KD, x, seed 0: the cache of the teachers failed: CacheError: the disk is full .*cache.log'
    with pytest.raises(SystemExit, match=message):
        command('--splits', 'x', '--rows', 'Alone', 'KD')
    found = statuses()
    assert [found['Alone', 'x', seed] for seed in range(3)] == ['finished'] * 3 and found['KD', 'x', 0] == 'failed'


def test_a_cache_is_written_for_every_student_for_what_terms_read_goes_by_its_grid(command, tmp_path):
    (tmp_path / 'tools' / 'cache_teachers.py').write_text(
        'import sys; raise SystemExit(f\'CacheError: {sum(word.endswith(".py") for word in sys.argv[1:])} configs\')'
    )
    row = "dict(name={0!r}, config='kd.py', options={{'model.student.{1}': 'x'}})"
    rows = [row.format('other', 'config.type'), row.format('weights', 'checkpoint')]
    Path('study.py').write_text(f'{STUDY}views = 2\nrows += [{", ".join(rows)}]')
    with pytest.raises(SystemExit, match='CacheError: 2 configs'):
        command('--splits', 'x', '--rows', 'KD', 'other', 'weights')


def test_sigterm_ends_what_runs_and_all_that_it_started_and_the_same_command_goes_on(command, capsys):
    def stop():
        while len(list(PLACE.glob('Alone/*/*/child'))) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop).start()
    starts = "child = subprocess.Popen(['sleep', '60']); (place / 'part').write_text(f'{child.pid}\\n')\n"
    starts += "(place / 'part').rename(place / 'child'); child.wait()"
    with pytest.raises(KeyboardInterrupt), processes.sigterm_as_interruption():
        command('--rows', 'Alone', '--splits', 'x', lines=starts)
    assert set(statuses().values()) == {'waiting'}
    for place in PLACE.glob('Alone/*/*/child'):
        assert gone(int(place.read_text()))
    assert 'stopped: 2 trainings were ended; the same command goes on' in capsys.readouterr().out
    spent = float((PLACE / 'Alone' / 'x' / 'seed0' / 'spent').read_text())
    (PLACE / 'Alone' / 'x' / 'seed0' / 'spent').write_text(f'{spent + 100}\n')
    (PLACE / 'Alone' / 'x' / 'seed1' / 'spent').unlink()  # as a kill of the command leaves it
    command('--rows', 'Alone', '--splits', 'x')
    seconds = [run['seconds'] for run in record()['runs'] if (run['row'], run['split']) == ('Alone', 'x')]
    assert 100 < seconds[0] < 160 and seconds[1] is None and seconds[2] < 60


@pytest.mark.parametrize(
    'notes',
    [
        'null',
        '[]',
        '{"runs": 3}',
        '{"started": 1, "runs": [{}], "caches": []}',
        '{"started": 1, "runs": [], "caches": [{"path": "c"}]}',
        '{"runs": [',
    ],
)
def test_notes_that_are_no_record_are_written_anew(command, notes, capsys):
    PLACE.mkdir(parents=True)
    (PLACE / 'study.json').write_text(notes)
    command('--rows', 'Alone', '--splits', 'x')
    told = capsys.readouterr().out.splitlines()[0]
    assert re.fullmatch(r"warning: '.*study\.json' cannot be read \(\w+\) and is written anew .*", told)


def test_without_notes_a_row_from_a_cache_is_known_by_its_config_and_never_taken_for_one_that_ran_teachers(command):
    command('--splits', 'x')
    for place in PLACE.glob('KD/x/*'):
        (place / 'kd.py').write_text("model = dict(teacher_cache='c')\n")  # the copy that a training leaves
    (PLACE / 'study.json').unlink()
    command('--splits', 'x')
    assert {run['cache'] for run in record()['runs'] if (run['row'], run['split']) == ('KD', 'x')} == {'c'}
    assert 'What teachers add' not in (PLACE / 'table.md').read_text()


def test_two_commands_do_not_work_at_one_study_nor_at_one_teacher(command):
    PLACE.mkdir(parents=True)
    message = 'work directory of the study=.*: another command is working there'
    with processes.locked(PLACE), pytest.raises(ConfigError, match=message):
        command()
    teacher = Path('work_dirs/teacher')
    teacher.mkdir()
    with processes.locked(teacher), pytest.raises(SystemExit, match='^1 of 1 .*another command is working there'):
        command('--rows', 'Teacher')


def test_a_tool_ends_with_the_command_that_started_it(command, tmp_path):
    if not (pid := os.fork()):
        (tmp_path / 'tools' / 'wait.py').write_text(
            'import os, time\nopen("part", "w").write(str(os.getpid()))\nos.rename("part", "pid")\ntime.sleep(60)\n'
        )
        processes.Tool('wait', [], tmp_path / 'log', 1)
        time.sleep(60)
        os._exit(0)
    while not Path('pid').exists():
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert gone(int(Path('pid').read_text()))
