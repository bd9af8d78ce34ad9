"""`mmdualkd distill` from a folder to an exported student; what was done stays, whatever stops it."""

import json
import signal
import subprocess
import sys
import time

import pytest
import torch
from helpers import TOOLS, environment, process, write_clips
from picture_jobs import write_pictures

import mmdualkd
from mmdualkd.checkpoint import read_checkpoint
from mmdualkd.errors import CheckpointError, ConfigError, DataError, DistillError
from mmdualkd.workflow import plan
from mmdualkd.workflow.stages import StageError

SMALL = dict(student='resnet3d18-w8', teachers=['uniformer-w16', 'resnet3d18-w16'], from_scratch=True, workers=0)
SHORT = dict(epochs=1, teacher_epochs=1, batch_size=4)
STAGES = ['data', 'weights', 'teachers/vit', 'teachers/cnn', 'check', 'distilled', 'alone', 'test distilled',
          'test alone', 'export']  # fmt: skip


def by_fork(script, *arguments, processes=1):
    """In place of `run_tool`: a fork of the warm process runs the tool."""
    done = process(TOOLS / f'{script}.py', *arguments)
    print(done.stdout)
    if done.returncode:
        raise StageError(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    """A folder of videos, one folder a class, with spaces in their names."""
    folder = tmp_path_factory.mktemp('my') / 'videos'
    for path in write_clips(folder / 'all', 2, 5, frames=20).parent.glob('*.avi'):
        label, index = path.stem.split('_')
        (folder / f'{label} moves').mkdir(exist_ok=True)
        path.rename(folder / f'{label} moves' / f'clip {index}.avi')
    (folder / 'all' / 'annotation.txt').unlink()
    (folder / 'all').rmdir()
    return folder


@pytest.fixture
def fast(monkeypatch):
    monkeypatch.setattr(plan, 'run_tool', by_fork)


@pytest.fixture(scope='module')
def run(videos, tmp_path_factory):
    """A whole run, with the student alone beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, 'run_tool', by_fork)
        out = tmp_path_factory.mktemp('run') / 'out'
        return mmdualkd.distill(videos, out=out, baseline=True, **SMALL, **SHORT)


def test_every_stage_is_done_and_the_report_tells_of_all_models(run):
    state = json.loads((run.folder / 'run.json').read_text())
    assert list(state['stages']) == STAGES
    assert [row.name for row in run.rows] == ['teacher vit', 'teacher cnn', 'student alone', 'student distilled']
    report = (run.folder / 'report.md').read_text()
    assert f'{run.accuracy:.1f} %' in report and '2 held-out videos of 2 classes' in report
    assert (run.folder / 'report.png').read_bytes()[:4] == b'\x89PNG'


def test_the_student_is_a_plain_recognizer_with_the_metrics_of_its_test(run, videos):
    from mmaction.apis import inference_recognizer

    assert type(run.student).__module__.startswith('mmaction.')
    assert run.classes == ['class0 moves', 'class1 moves'] and run.student.cls_head.num_classes == 2
    scores = {}
    for line in (run.folder / 'annotations' / 'val.txt').read_text().splitlines():
        path, label = line.rsplit(' ', 1)
        scores[path] = int(inference_recognizer(run.student, str(videos / path)).pred_label) == int(label)
    assert 100 * sum(scores.values()) / len(scores) == run.accuracy


def test_classes_stand_in_one_order_in_the_data_and_in_every_checkpoint(run):
    names = (run.folder / 'annotations' / 'classes.txt').read_text().splitlines()
    assert names == run.classes
    for path in (run.folder / 'teachers' / 'vit' / 'epoch_1.pth', run.checkpoint):
        assert list(read_checkpoint(path, 'x')['meta']['dataset_meta']['classes']) == names


def test_the_same_call_again_does_nothing_and_gives_the_same(run, videos, monkeypatch, capsys):
    monkeypatch.setattr(plan, 'run_tool', lambda *args, **kwargs: pytest.fail('a stage is done again'))
    again = mmdualkd.distill(videos, out=run.folder, baseline=True, **SMALL, **SHORT)
    assert again.metrics == run.metrics and capsys.readouterr().out.count('done before') == len(STAGES)


@pytest.mark.parametrize('name', ['train', 'val'])
def test_a_list_that_was_cut_short_is_an_error_for_what_trains_later_would_be_of_other_data(run, videos, name):
    path = run.folder / 'annotations' / f'{name}.txt'
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    told = rf"{name}\.txt' lists \d samples, {len(whole.splitlines())} were found when the run began; to have"
    try:
        with pytest.raises(DataError, match=told):
            mmdualkd.distill(videos, out=run.folder, baseline=True, **SMALL, **SHORT)
    finally:
        path.write_bytes(whole)


def test_other_arguments_are_another_run(run, videos):
    with pytest.raises(ConfigError, match='holds another run: epochs=1 there, 2 here'):
        mmdualkd.distill(videos, out=run.folder, baseline=True, **{**SMALL, **SHORT, 'epochs': 2})


def test_a_stage_can_be_run_by_hand_from_its_config(run, tmp_path):
    done = process(TOOLS / 'train.py', run.folder / 'configs' / 'distilled.py', '--work-dir',
                   tmp_path / 'by hand', '--seed', 0)  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert (tmp_path / 'by hand' / 'student_epoch_1.pth').is_file()


def test_a_teacher_that_knows_the_classes_is_taken_as_it_is_by_another_method(run, videos, tmp_path, fast):
    checkpoints = {'uniformer-w16': run.folder / 'teachers' / 'vit' / 'student_epoch_1.pth'}
    arguments = {**SMALL, 'teachers': ['uniformer-w16']}
    again = mmdualkd.distill(
        videos, out=tmp_path / 'out', teacher_checkpoints=checkpoints, method='fitnets', **arguments, **SHORT
    )
    assert again.rows[-1].note == 'resnet3d18-w8, fitnets'
    assert 'loss_fitnets' in max((tmp_path / 'out' / 'distilled').glob('*/*.log')).read_text()
    assert 'teachers/vit' not in again.seconds and not (tmp_path / 'out' / 'teachers').exists()
    teachers = [next(row for row in one.rows if row.name == 'teacher vit') for one in (run, again)]
    assert teachers[0].top1 == teachers[1].top1


def test_a_teacher_of_the_same_classes_in_another_order_is_an_error(run, videos, tmp_path, fast):
    names = {'class0 moves': 'class1 moves', 'class1 moves': 'class0 moves'}
    checkpoint = read_checkpoint(run.folder / 'teachers' / 'vit' / 'student_epoch_1.pth', 'x')
    meta = checkpoint['meta']['dataset_meta']
    meta['classes'] = [names[name] for name in meta['classes']]
    torch.save(checkpoint, tmp_path / 'other.pth')
    arguments = {**SMALL, 'teachers': ['uniformer-w16']}
    checkpoints = {'uniformer-w16': str(tmp_path / 'other.pth')}
    with pytest.raises(DataError, match='vit was trained on the classes of .* in another order'):
        mmdualkd.distill(videos, out=tmp_path / 'out', teacher_checkpoints=checkpoints, **arguments, **SHORT)


def test_weights_that_do_not_fit_are_told_of_before_the_other_teacher_is_trained(run, videos, tmp_path, fast):
    checkpoints = {'uniformer-w16': str(run.checkpoint)}
    with pytest.raises(CheckpointError, match=r'model\.teachers\.vit\.checkpoint=.* is not of this model'):
        mmdualkd.distill(videos, out=tmp_path / 'out', teacher_checkpoints=checkpoints, **SMALL, **SHORT)
    assert not (tmp_path / 'out' / 'teachers').exists()


@pytest.mark.parametrize(
    'room,name,message',
    [
        (sys.modules, 'onnx', '--onnx needs onnx and onnxruntime'),
        (vars(torch.onnx), 'export', 'ResNet3d has no ONNX export'),
    ],
    ids=['not installed', 'not possible'],
)
def test_a_student_without_an_onnx_export_is_told_of_before_any_training(
    videos, tmp_path, fast, monkeypatch, room, name, message
):
    monkeypatch.setitem(room, name, None)
    with pytest.raises(DistillError, match=message):
        mmdualkd.distill(videos, out=tmp_path / 'out', onnx=True, **SMALL, **SHORT)
    assert not (tmp_path / 'out' / 'teachers').exists()


def test_epochs_changed_by_hand_that_the_student_would_miss_are_told_of_before_any_training(
    videos, tmp_path, fast, monkeypatch
):
    monkeypatch.setattr(plan.Plan, 'check', lambda self: 0)
    out = tmp_path / 'out'
    mmdualkd.distill(videos, out=out, dry_run=True, **SMALL, **SHORT)
    config = out / 'configs' / 'teachers_vit.py'
    config.write_text(config.read_text() + '\ntrain_cfg.update(max_epochs=3)\n')
    told = r"distilled\.py: model\.teachers\.vit\.checkpoint='.*', but .*teachers_vit\.py trains for 3 epochs"
    with pytest.raises(ConfigError, match=told):
        mmdualkd.distill(videos, out=out, **SMALL, **SHORT)
    config.write_text(config.read_text() + 'train_cfg.update(max_epochs=3, max_epochs=3)\n')
    with pytest.raises(ConfigError, match=r'teachers_vit\.py, line \d+: SyntaxError: keyword argument repeated'):
        mmdualkd.distill(videos, out=out, **SMALL, **SHORT)
    assert not (out / 'teachers').exists()


def test_pictures_go_the_same_way_some_of_them_without_a_label(tmp_path, fast, capsys):
    pictures = write_pictures(tmp_path / 'pictures', classes=3, per_class=8)
    options = dict(from_scratch=True, workers=0, unlabelled='class2', **SHORT)
    run = mmdualkd.distill(pictures, 'cnn-w8', ['swin-w24'], tmp_path / 'out', **options)
    assert '12 and 8 without a label to train on, 4 held out' in capsys.readouterr().out
    log = max((tmp_path / 'out' / 'distilled').glob('*/*.log')).read_text()
    assert run.classes == ['class0', 'class1'] and '8 of 20 samples have no label' in log
    assert run.of == 'pictures' and run.rows[-1].name == 'student distilled'
    assert type(run.student).__module__.startswith('mmpretrain.')
    assert 'HybridAssistantDistiller' in (tmp_path / 'out' / 'configs' / 'distilled.py').read_text()


def test_a_kill_loses_no_more_than_the_running_stage(videos, tmp_path, monkeypatch, capsys):
    """The real command, killed in the middle of a training; the same call goes on."""
    out, arguments = tmp_path / 'out', {**SMALL, 'teachers': ['resnet3d18-w16']}
    words = [sys.executable, '-W', 'ignore', '-m', 'mmdualkd', 'distil', videos, '--student', 'resnet3d18-w8',
             '--teachers', 'resnet3d18-w16', '--from-scratch', '--workers', 0, '--epochs', 8, '--teacher-epochs', 1,
             '--batch-size', 4, '--out', out]  # fmt: skip
    words = list(map(str, words))
    with subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as first:
        while not (out / 'distilled' / 'last_checkpoint').is_file():
            assert first.poll() is None, first.stdout.read().decode()
            time.sleep(0.05)
        first.send_signal(signal.SIGKILL)
        first.stdout.read()  # until the stage has ended, too: it holds the other end
    kept = {path: path.stat().st_mtime for path in (out / 'teachers').rglob('*.pth')}
    assert len(list((out / 'frames').glob('*.pt'))) == 8  # of all videos to train on, decoded once
    monkeypatch.setattr(plan, 'run_tool', by_fork)
    mmdualkd.distill(videos, out=out, **arguments, **{**SHORT, 'epochs': 8})
    assert 'resume' in capsys.readouterr().out.lower()
    assert kept == {path: path.stat().st_mtime for path in (out / 'teachers').rglob('*.pth')}
    assert (out / 'export' / 'student.pth').is_file() and (out / 'distilled' / 'epoch_8.pth').is_file()
    assert not (out / 'frames').exists()


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(student='resnet18'), "--student='resnet18' is a model of pictures, and the data are videos"),
        (dict(student='resnet3d'), "--student='resnet3d' names no model of videos; did you mean 'resnet3d18-w8'"),
        (dict(teachers=['x3d']), "--teachers='x3d' names no model of videos"),
        (dict(teachers=[]), '--teachers names none'),
        (dict(data=''), "DATA='' names no folder"),
        (dict(out=' '), "--out=' ' names no folder"),
        (dict(test_fraction=1.0), '--test-fraction=1.0'),
        (dict(epochs=0), '--epochs must be a whole number from 1, got 0'),
        (dict(seed=-1), '--seed must be a whole number from 0 to 4294967295, got -1'),
        (dict(workers=-1), '--workers must be a whole number from 0'),
        (dict(batch_size=2.5), '--batch-size must be a whole number'),
        (dict(teachers='x3d-m'), "--teachers must be a list of names, got 'x3d-m'"),
        (dict(teachers=['uniformer-w16'] * 2), 'uniformer-w16 more than once'),
        (dict(test_fraction='0.2'), '--test-fraction must be a finite number'),
        (dict(time_budget=3600), "--time-budget must be a time such as '2h'"),
        (dict(teacher_checkpoints='a=b'), '--teacher-checkpoint must be files by the names'),
        (dict(time_budget='soon'), "--time-budget='soon' is no time"),
        (dict(time_budget='2h'), 'leave out --epochs'),
        (dict(method='CA-MKD'), "--method='CA-MKD' is no method; did you mean 'ca_mkd'"),
        (dict(method='pictures/fitnet'), "did you mean 'fitnets'"),
        (dict(method=['kd']), 'is no method'),
        (dict(group_regex='('), 'no regular expression'),
        (dict(group_regex='a'), 'no group'),
        (dict(teacher_checkpoints={'x3d-m': 'a.pth'}), "--teacher-checkpoint 'x3d-m' is none of --teachers"),
        (dict(teacher_checkpoints={'uniformer-w16': 'a.pth'}), 'a.pth.*is not a file'),
    ],
)
def test_a_mistake_is_one_error_before_any_data_are_written(videos, tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        mmdualkd.distill(**{**dict(data=videos, out=tmp_path / 'out'), **SMALL, **SHORT, **changes})
    assert not [path for path in tmp_path.glob('out/*') if path.name not in ('.lock', 'run.json')]


def test_a_method_of_other_teachers_is_told_before_anything_trains(videos, tmp_path):
    arguments = {**SMALL, 'teachers': ['resnet3d18-w16']}
    with pytest.raises(ConfigError, match="--method='full': its SDD is for one ViT and one CNN teacher; .* are cnn"):
        mmdualkd.distill(videos, out=tmp_path / 'out', method='full', **arguments, **SHORT)


def test_paths_from_the_home_folder_are_there(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    with pytest.raises(ConfigError, match=f"DATA='{tmp_path}/none': there is no such folder"):
        mmdualkd.distill('~/none', out='~/out', **SMALL, **SHORT)
    assert (tmp_path / 'out').is_dir()
    with pytest.raises(ConfigError, match=f"uniformer-w16='{tmp_path}/a.pth' is not a file"):
        mmdualkd.distill('~', out='~/out', teacher_checkpoints={'uniformer-w16': '~/a.pth'}, **SMALL, **SHORT)


def test_teachers_with_weights_are_fine_tuned_beside_a_student_without(videos, tmp_path, monkeypatch):
    lengths = {}

    def note(self, found):
        lengths.update(found)
        raise StageError('enough')

    monkeypatch.setattr('mmdualkd.workflow.distill.fetch_weights', lambda entries: None)
    monkeypatch.setattr(plan.Plan, 'write_configs', note)
    with pytest.raises(StageError, match='enough'):
        mmdualkd.distill(videos, 'resnet3d18-w8', ['x3d-m'], tmp_path / 'out')
    assert lengths == dict(student=1680, teachers=20)  # of eight videos


def test_data_that_cannot_be_learned_from_leave_nothing_behind(tmp_path):
    (tmp_path / 'videos').mkdir()
    with pytest.raises(DataError, match='holds no files'):
        mmdualkd.distill(tmp_path / 'videos', out=tmp_path / 'out', **SMALL)
    assert {path.name for path in (tmp_path / 'out').iterdir()} == {'.lock', 'run.json'}


def test_without_network_the_missing_weights_and_their_place_are_named(videos, tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'hub'))
    monkeypatch.setattr('mmdualkd.zoo.download._read', lambda *args: (_ for _ in ()).throw(OSError('no network')))
    with pytest.raises(
        ConfigError, match=r'cannot be downloaded \(no network\).*x3d_s.*623825a0.pth to .*hub/checkpoints'
    ):
        mmdualkd.distill(videos, 'x3d-s', ['x3d-m'], tmp_path / 'out')
