import importlib.util
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import torch
from helpers import MEND_TORCHVISION, ROOT, TOOLS, call, environment, full_disk, run
from jobs import predictions, write_job
from mmengine.config import Config
from mmengine.registry import MODELS
from tiny import averaging_recognizer, resnet3d, save_model

from mmdualkd.checkpoint import find_checkpoint, save_student
from mmdualkd.errors import CheckpointError
from mmdualkd.zoo.weights import load_teacher_weights

DISTILLER = """
views = dict(
    student=dict(clip_len=8, size=32), vit=dict(clip_len=8, size=32), cnn=dict(clip_len=4, frame_interval=2, size=32))
model = dict(
    type='mmdualkd.DualTeacherDistiller', num_classes=2, views=views, student=dict(config={student!r}),
    teachers=dict(vit=dict(config={vit!r}, checkpoint={vit_weights!r}), cnn=dict(config={cnn!r},
    checkpoint={cnn_weights!r})))
custom_hooks = [
    dict(type='mmdualkd.PreflightHook'), dict(type='mmdualkd.StudentCheckpointHook'),
    dict(type='EMAHook', momentum=0.5)]
default_hooks['checkpoint']['save_best'] = 'auto'
train_dataloader['dataset']['pipeline'] = [
    dict(type='DecordInit'), dict(type='mmdualkd.SampleViews'), dict(type='DecordDecode'),
    dict(type='Resize', scale=(32, 32), keep_ratio=False), dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs')]
log_level = 'INFO'
"""

# What a user of plain MMAction2 runs. The wheel of mmaction2 1.2.0 lacks a folder, which the README's two lines make;
# where torchvision was built for another torch, the cure for that is by hand.
PLAIN = (
    """
import json, pickle, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        assert name.partition('.')[0] != 'mmdualkd', 'plain MMAction2 must not need mmdualkd'
sys.meta_path.insert(0, Refuse())
"""
    + MEND_TORCHVISION
    + """
import torch
from mmaction.apis import init_recognizer
from mmengine.config import Config
from mmengine.runner import Runner
for folder in sys.argv[1:]:
    config, checkpoint, out = folder + '/student.py', folder + '/student.pth', folder + '/metrics.json'
    state = torch.load(checkpoint, weights_only=True)['state_dict']
    model = init_recognizer(config, device='cpu')
    model.load_state_dict(state, strict=True)
    assert model.state_dict().keys() == state.keys()
    cfg = Config.fromfile(config)
    cfg.load_from, cfg.work_dir = checkpoint, out + '.work_dir'
    cfg.test_evaluator = [cfg.test_evaluator, dict(type='DumpResults', out_file_path=out + '.pkl')]
    metrics = Runner.from_cfg(cfg).test()
    with open(out, 'w') as file:
        json.dump({name: float(value) for name, value in metrics.items()}, file)
assert not any(name.partition('.')[0] == 'mmdualkd' for name in sys.modules)
"""
)


@pytest.fixture
def export(capsys):
    """Runs the tool in this process and returns what it prints."""

    def run_tool(*arguments):
        call('export_student.py', *arguments)
        return capsys.readouterr().out

    return run_tool


@pytest.fixture(scope='module')
def plain(tmp_path_factory):
    """The environment of plain MMAction2: a copy of the installed one, made whole as the README says."""
    site = tmp_path_factory.mktemp('site')
    installed = Path(importlib.util.find_spec('mmaction').origin).parent
    shutil.copytree(installed, site / 'mmaction', ignore=shutil.ignore_patterns('.mim', '__pycache__', 'drn'))
    (cure,) = re.findall(r'^```shell\n(drn=.*?)^```', (ROOT / 'README.md').read_text(), re.M | re.S)
    assert len(cure.splitlines()) == 2
    run('bash', '-ec', cure, env=environment(site))
    assert (site / 'mmaction' / 'models' / 'localizers' / 'drn' / 'drn.py').is_file()
    return environment(site)


def plain_test(folder, env, *exports):
    """Tests exports with plain MMAction2 in a fresh process; returns metrics and predictions of each."""
    run(sys.executable, '-c', PLAIN, *exports, env=env, cwd=folder)
    files = [export / 'metrics.json' for export in exports]
    return [(json.loads(file.read_text()), predictions(file.with_suffix('.json.pkl'))) for file in files]


def our_test(folder, config, checkpoint):
    """Tests a checkpoint with the training config and our tool; returns its predictions."""
    out = folder / 'ours.pkl'
    run(TOOLS / 'test.py', config, checkpoint, '--work-dir', folder / 'ours', '--dump', out)
    return predictions(out)


@pytest.fixture(scope='module')
def distilled(tmp_path_factory):
    """A finished distillation with EMA, through tools/train.py."""
    folder = tmp_path_factory.mktemp('distilled')
    models = dict(student=averaging_recognizer(), vit=resnet3d(6, 2), cnn=resnet3d(4, 2))
    weights = {f'{name}_weights': save_model(models[name], folder / f'{name}.pth') for name in ('vit', 'cnn')}
    job = write_job(folder, DISTILLER.format(**models, **weights), per_class=3, epochs=2, batch_size=3)
    run(TOOLS / 'train.py', job.config)
    return job


def test_plain_mmaction2_scores_the_same_with_the_export_of_a_distillation_and_of_a_plain_recognizer(
    distilled, tmp_path, export, plain
):
    best = next(distilled.work_dir.glob('best_*.pth'))
    config = write_job(tmp_path / 'plain', 'model = ' + repr(averaging_recognizer())).config
    cfg = Config.fromfile(config)
    save_model(cfg.model, tmp_path / 'work.pth')
    folder = tmp_path / 'work_dir'
    folder.mkdir()
    state = torch.load(tmp_path / 'work.pth', weights_only=True)
    torch.save(dict(state_dict=state, meta=dict(cfg=cfg.pretty_text, epoch=2)), folder / 'epoch_2.pth')
    (folder / 'last_checkpoint').write_text('/elsewhere/epoch_2.pth')

    output = export(distilled.work_dir, '--out', tmp_path / 'export')
    assert str(best) in output
    lacking = not (Path(importlib.util.find_spec('mmaction').origin).parent / 'models/localizers/drn').is_dir()
    assert ("echo 'DRN = None'" in output) == lacking
    export(folder)
    results = plain_test(tmp_path, plain, tmp_path / 'export', folder / 'export')
    ours = [our_test(tmp_path, distilled.config, best), our_test(tmp_path, config, folder / 'epoch_2.pth')]
    for (metrics, (scores, labels)), (our_scores, our_labels) in zip(results, ours, strict=True):
        assert torch.equal(scores, our_scores) and labels == our_labels
        accuracy = sum(int(score.argmax()) == label for score, label in zip(our_scores, our_labels, strict=True))
        assert metrics['acc/top1'] == pytest.approx(accuracy / len(our_labels), abs=1e-12)


def test_nothing_of_ours_is_in_the_export(distilled, tmp_path, export):
    export(distilled.work_dir / 'epoch_1.pth', '--out', tmp_path)
    text = (tmp_path / 'student.py').read_text()
    for word in ('mmdualkd', 'custom_imports', 'custom_hooks', 'teachers', 'EMAHook', str(distilled.work_dir)):
        assert word not in text, word
    checkpoint = torch.load(tmp_path / 'student.pth', weights_only=True)
    assert set(checkpoint) == {'meta', 'state_dict'} and checkpoint['meta']['epoch'] == 1
    assert all(name.startswith(('backbone.', 'cls_head.')) for name in checkpoint['state_dict'])
    assert b'mmdualkd' not in (tmp_path / 'student.pth').read_bytes()


def test_with_ema_the_averaged_weights_are_exported(distilled, tmp_path):
    saved = torch.load(distilled.work_dir / 'epoch_2.pth', weights_only=True)
    save_student(distilled.work_dir / 'epoch_2.pth', tmp_path / 'a.pth')
    ours = torch.load(tmp_path / 'a.pth', weights_only=True)['state_dict']
    name = 'cls_head.fc_cls.weight'
    assert torch.equal(ours[name], saved['state_dict'][f'student.{name}'])
    raw = saved['ema_state_dict'][f'module.student.{name}']  # MMEngine swaps the two when it saves
    assert not torch.equal(ours[name], raw)


def test_a_finished_student_serves_as_the_next_teacher(distilled):
    model = MODELS.build({'_scope_': 'mmaction', **averaging_recognizer()})
    load_teacher_weights(model, str(distilled.work_dir / 'epoch_2.pth'), 'model.teachers.cnn.checkpoint')
    student = torch.load(distilled.work_dir / 'student_epoch_2.pth', weights_only=True)['state_dict']
    assert all(torch.equal(value, student[name]) for name, value in model.state_dict().items())


def test_a_student_checkpoint_beside_a_training_checkpoint_exports_the_same(distilled, tmp_path, export):
    for name in ('epoch_2.pth', 'student_epoch_2.pth'):
        export(distilled.work_dir / name, '--out', tmp_path / name)
    first, second = (torch.load(tmp_path / name / 'student.pth', weights_only=True) for name in
                     ('epoch_2.pth', 'student_epoch_2.pth'))  # fmt: skip
    assert all(torch.equal(value, second['state_dict'][name]) for name, value in first['state_dict'].items())
    texts = {(tmp_path / name / 'student.py').read_text() for name in ('epoch_2.pth', 'student_epoch_2.pth')}
    assert len(texts) == 1


def test_of_the_best_checkpoints_of_several_metrics_it_is_told_which_is_taken(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr('mmdualkd.checkpoint.print_log', lambda message, **kwargs: told.append(message))
    for second, name in enumerate(('best_acc_top1_epoch_1.pth', 'best_acc_top1_epoch_12.pth'), 1):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (second, second))
    assert find_checkpoint(tmp_path).name == 'best_acc_top1_epoch_12.pth' and not told
    (tmp_path / 'best_acc_mean1_epoch_3.pth').touch()
    assert find_checkpoint(tmp_path).name == 'best_acc_mean1_epoch_3.pth'
    assert 'several metrics' in told[0] and told[0].endswith('best_acc_mean1_epoch_3.pth is the newest, and taken')


def test_without_best_checkpoint_the_last_one_is_taken_also_in_a_moved_work_dir(distilled, tmp_path):
    moved = tmp_path / 'moved'
    shutil.copytree(distilled.work_dir, moved)
    for file in moved.glob('best_*.pth'):
        file.unlink()
    assert find_checkpoint(moved) == moved / 'epoch_2.pth'
    (moved / 'epoch_2.pth').unlink()
    with pytest.raises(CheckpointError, match='neither best_'):
        find_checkpoint(moved)
    for record, fault in ((b'', 'it is empty'), (b'\xff', 'it is no text')):
        (moved / 'last_checkpoint').write_bytes(record)
        with pytest.raises(CheckpointError, match=f"moved/last_checkpoint' names no checkpoint: {fault}$"):
            find_checkpoint(moved)


def test_onnx_gives_the_scores_of_pytorch(distilled, tmp_path, export):
    pytest.importorskip('onnxruntime')
    output = export(distilled.work_dir, '--out', tmp_path, '--onnx')
    assert 'largest difference between onnxruntime and PyTorch' in output
    import onnxruntime

    session = onnxruntime.InferenceSession(str(tmp_path / 'student.onnx'))
    assert session.get_inputs()[0].shape[1:] == [1, 3, 8, 32, 32]
    assert session.run(None, {'input': torch.zeros(3, 1, 3, 8, 32, 32).numpy()})[0].shape == (3, 2)


def test_an_onnx_file_of_an_earlier_export_is_told(distilled, tmp_path, export):
    (tmp_path / 'student.onnx').write_bytes(b'of another student')
    output = export(distilled.work_dir / 'student_epoch_2.pth', '--out', tmp_path)
    assert f'note: {tmp_path / "student.onnx"} is of an earlier export: --onnx writes it anew' in output


def test_a_checkpoint_without_any_config_is_an_error(tmp_path, export):
    torch.save(dict(state_dict={'backbone.a': torch.ones(1)}), tmp_path / 'a.pth')
    with pytest.raises(SystemExit, match='CheckpointError: .*does not hold the config'):
        export(tmp_path / 'a.pth')


def test_a_config_that_imports_what_is_not_there_is_an_error(tmp_path, export):
    text = "custom_imports = dict(imports=['no_such_module'], allow_failed_imports=False)"
    torch.save(dict(state_dict={'backbone.a': torch.ones(1)}, meta=dict(cfg=text)), tmp_path / 'a.pth')
    with pytest.raises(SystemExit, match='CheckpointError: .*no_such_module'):
        export(tmp_path / 'a.pth')


@pytest.mark.parametrize('out', ['file', 'file/below', '/proc/x'])
def test_an_out_that_cannot_be_written_to_is_an_error(tmp_path, export, out):
    torch.save(dict(state_dict={'backbone.a': torch.ones(1)}, meta=dict(cfg='model = dict()')), tmp_path / 'a.pth')
    (tmp_path / 'file').touch()
    with pytest.raises(SystemExit, match=f"ConfigError: --out='{tmp_path / out}' cannot be written"):
        export(tmp_path / 'a.pth', '--out', tmp_path / out)
    with pytest.raises(CheckpointError, match='cannot be written'):
        save_student(tmp_path / 'a.pth', tmp_path / out / 'student.pth')


def test_a_full_disk_leaves_no_half_of_a_config(tmp_path, export):
    save_model(averaging_recognizer(), tmp_path / 'a.pth')
    size = max((tmp_path / 'a.pth').stat().st_size, 65_536) + 4096  # of what is tried before, too
    text = f'model = {averaging_recognizer()!r}\nenv_cfg = dict(note='
    (tmp_path / 'a.py').write_text(f'{text}{"x" * (size - len(text) - 100)!r})')  # the stock one is longer
    with full_disk(size), pytest.raises(SystemExit, match=r"CheckpointError: '.*student\.py' cannot be written"):
        export(tmp_path / 'a.pth', '--out', tmp_path / 'out')
    assert [file.name for file in (tmp_path / 'out').iterdir()] == ['student.pth']


def test_weights_of_another_model_than_the_config_beside_them_are_an_error(tmp_path, export):
    save_model(resnet3d(4, 2), tmp_path / 'other.pth')
    (tmp_path / 'config.py').write_text(f'model = {resnet3d(6, 2)!r}')
    with pytest.raises(SystemExit, match=r"CheckpointError: checkpoint='.*other\.pth' is not of this model"):
        export(tmp_path / 'other.pth', '--out', tmp_path / 'out')
    assert not list((tmp_path / 'out').iterdir())


def test_an_export_without_a_test_is_not_said_to_be_tested(tmp_path, export):
    save_model(resnet3d(4, 2), tmp_path / 'a.pth')
    (tmp_path / 'config.py').write_text(f'model = {resnet3d(4, 2)!r}')
    output = export(tmp_path / 'a.pth', '--out', tmp_path / 'out')
    assert f'plain MMAction2 loads it: {tmp_path}/out/student.py' in output and 'tools/test.py' not in output
    output = export(tmp_path / 'a.pth', '--out', tmp_path / 'my out')  # as a shell reads it
    assert f"loads it: '{tmp_path}/my out/student.py' '{tmp_path}/my out/student.pth'" in output


def test_a_missing_source_is_an_error(export):
    with pytest.raises(SystemExit, match='CheckpointError: there is no checkpoint or work directory'):
        export('nowhere')
