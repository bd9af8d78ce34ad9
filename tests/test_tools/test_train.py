"""tools/train.py and tools/test.py as a user calls them."""

import importlib.util
import os
import pickle
import re
from pathlib import Path

import pytest
import torch
import train
from distill_jobs import distill_job
from helpers import TOOLS, run
from jobs import stock_job
from mmengine.config import Config
from tensorboard.backend.event_processing import event_accumulator

from mmdualkd.errors import ConfigError
from mmdualkd.export import stock_config
from mmdualkd.processes import training_in


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    job = stock_job(tmp_path_factory.mktemp('job'))
    job.output = run(TOOLS / 'train.py', job.config, '--seed', 7, '--cfg-options', 'log_level=INFO', fresh=True)
    return job


def test_training_writes_checkpoints_and_the_seed_of_the_flag(trained):
    assert len(trained.losses()) == 4
    checkpoint = torch.load(trained.work_dir / 'epoch_2.pth', weights_only=True, map_location='cpu')
    assert checkpoint['meta']['seed'] == 7
    assert checkpoint['meta']['iter'] == 4


def test_a_second_training_in_one_work_directory_is_refused_while_the_first_one_runs(trained):
    before = {path.name for path in trained.work_dir.glob('*.pth')}
    with training_in(trained.work_dir):
        output = run(TOOLS / 'train.py', trained.config, ok=False)
    assert re.search(
        rf"^ConfigError: work_dir='.*': another training is writing there \(process {os.getpid()} on", output, re.M
    )
    assert {path.name for path in trained.work_dir.glob('*.pth')} == before and 'trained: epoch' not in output


def test_a_seed_of_zero_is_a_seed(tmp_path):
    job = stock_job(tmp_path, epochs=1)
    job.config.write_text(job.config.read_text() + 'randomness = dict(seed=5)\n')
    run(TOOLS / 'train.py', job.config, '--no-validate', '--seed', 0)
    assert torch.load(job.work_dir / 'epoch_1.pth', weights_only=True, map_location='cpu')['meta']['seed'] == 0


def test_testing_gives_the_accuracy_that_training_saw_last_and_dumps_predictions(trained, tmp_path):
    seen = float(re.findall(r'after epoch 2: acc/top1: ([\d.]+)', trained.output)[-1])
    dump = tmp_path / 'predictions.pkl'
    output = run(
        TOOLS / 'test.py', trained.config, trained.work_dir / 'epoch_2.pth', '--dump', dump,
        '--cfg-options', 'log_level=INFO', '--work-dir', tmp_path, fresh=True,
    )  # fmt: skip
    assert float(re.findall(r'acc/top1: ([\d.]+)', output)[-1]) == seen
    samples = pickle.loads(dump.read_bytes())
    assert len(samples) == 8
    right = sum(int(sample['pred_score'].argmax()) == int(sample['gt_label']) for sample in samples)
    assert right / 8 == seen


def test_a_test_and_a_run_that_is_refused_leave_the_trainings_config_alone(trained, tmp_path):
    config = trained.work_dir / 'job.py'
    before = config.read_text()
    run(TOOLS / 'test.py', config, trained.work_dir / 'epoch_2.pth')
    other = tmp_path / 'job.py'
    other.write_text(
        f"_base_ = {str(trained.config)!r}\ncustom_hooks = [dict(type='mmdualkd.PreflightHook')]\n"
        'model = dict(backbone=dict(base_channels=8))\n'
    )
    assert 'is of another training' in run(TOOLS / 'train.py', other, '--resume', ok=False)
    assert config.read_text() == before
    output = run(TOOLS / 'train.py', config, '--resume', '--cfg-options', 'log_level=WARNING')
    assert 'nothing to resume' not in output


def test_predictions_of_clips_are_not_drawn_and_the_test_does_not_begin(trained):
    for flag in (['--show'], ['--show-dir', 'shown']):
        output = run(TOOLS / 'test.py', trained.config, trained.work_dir / 'epoch_2.pth', *flag, ok=False)
        assert f'ConfigError: {flag[0]} draws pictures alone' in output


@pytest.mark.parametrize('dump', ['/proc/x/o.pkl', 'folder.pkl'])
def test_a_dump_that_cannot_be_written_is_refused_before_the_test(trained, tmp_path, dump):
    (tmp_path / 'folder.pkl').mkdir()
    output = run(
        TOOLS / 'test.py', trained.config, trained.work_dir / 'epoch_2.pth', '--dump', dump, ok=False, cwd=tmp_path
    )
    named = dump if (tmp_path / dump).is_dir() else Path(dump).parent
    assert re.search(rf"^ConfigError: --dump='{named}' (cannot be written: |is a folder)", output, re.M)
    assert 'acc/top1' not in output


@pytest.mark.parametrize('tool, wrong', [('train.py', 'jop.py'), ('test.py', 'jop.py')])
def test_a_wrong_config_path_gives_one_line_with_the_nearest_file(tool, wrong, tmp_path):
    (tmp_path / 'job.py').write_text('')
    rest = ['missing.pth'] if tool == 'test.py' else []
    output = run(TOOLS / tool, tmp_path / wrong, *rest, ok=False)
    assert 'Traceback' not in output
    assert re.search(r"^ConfigError: config='.*jop\.py' is not a file; did you mean .*job\.py\?$", output, re.M)


@pytest.mark.parametrize(
    'flags, message',
    [
        (['--seed', '-1'], "argument --seed: must be a whole number from 0 to 4294967295, got '-1'"),
        (['--seed', '99999999999'], "argument --seed: must be a whole number from 0 to 4294967295, got '99999999999'"),
        (['--cfg-options', 'a=1', 'log_level'], "argument --cfg-options: 'log_level' is not key=value"),
        (['--cfg-options', 'a=[1,(2'], "argument --cfg-options: the brackets in 'a=[1,(2' do not match"),
        (['--auto-scale-lr'], 'needs auto_scale_lr=dict(base_batch_size=...) in the config, from 1; got None'),
        (
            ['--auto-scale-lr', '--cfg-options', 'auto_scale_lr.base_batchsize=8'],
            "auto_scale_lr.base_batchsize: no setting has this name; did you mean 'base_batch_size'?",
        ),
        (
            ['--auto-scale-lr', '--cfg-options', 'auto_scale_lr.base_batch_size=0'],
            'base_batch_size must be a whole number from 1',
        ),
    ],
)
def test_a_flag_that_cannot_work_is_one_clear_error(trained, tmp_path, flags, message):
    output = run(TOOLS / 'train.py', trained.config, '--work-dir', tmp_path, *flags, ok=False)
    assert message in output and 'Traceback' not in output


def test_tensorboard_gets_every_curve_of_a_distillation(tmp_path):
    job = distill_job(tmp_path, epochs=1)
    output = run(TOOLS / 'train.py', job.config, '--tensorboard', '--cfg-options', 'log_level=INFO')
    curves = event_accumulator.EventAccumulator(str(next(job.work_dir.glob('*/vis_data'))))
    curves.Reload()
    assert [entry.step for entry in curves.Scalars('kd/weight_vit')] == [1, 2]
    assert {'loss_kd', 'kd/target_entropy', 'batch_acc/cnn', 'acc/top1'} <= set(curves.Tags()['scalars'])
    assert f'curves: tensorboard --logdir {job.work_dir}' in output
    stock, _ = stock_config(Config.fromfile(job.work_dir / 'job.py'))  # which need not know TensorBoard
    assert 'Tensorboard' in (job.work_dir / 'job.py').read_text() and 'Tensorboard' not in stock.pretty_text


def test_tensorboard_that_is_not_installed_is_named_with_the_command(monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(ConfigError, match='^--tensorboard needs .*: pip install tensorboard$'):
        train.add_tensorboard(Config())


def test_a_missing_checkpoint_is_named_before_anything_is_built(trained):
    output = run(TOOLS / 'test.py', trained.config, trained.work_dir / 'epoch_9.pth', ok=False)
    assert re.search(r"^ConfigError: checkpoint='.*epoch_9\.pth' is not a file; did you mean .*epoch_", output, re.M)
