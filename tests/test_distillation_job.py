"""A distillation from config to student checkpoint, as a user runs it: tools, real files, several processes."""

import json
import re
import signal
from pathlib import Path

import pytest
import torch
from distill_jobs import distill_job
from helpers import TOOLS, one_of_two, process, run, two_processes
from jobs import read, tensors
from mmengine.registry import MODELS as MMENGINE_MODELS
from tiny import resnet3d


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    job = distill_job(
        tmp_path_factory.mktemp('job'), "default_hooks['checkpoint'].update(save_best='auto', max_keep_ckpts=1)\n"
    )
    job.output = run(TOOLS / 'train.py', job.config, '--deterministic', '--cfg-options', 'log_level=INFO')
    return job


def test_the_log_shows_every_term_and_the_teachers_weights(trained):
    line = re.findall(r'Epoch\(train\).*', trained.log())[-1]
    for key in (
        'loss_cls',
        'loss_kd',
        'loss_sdd',
        'loss_rkd',
        'kd/weight_vit',
        'kd/weight_vit_std',
        'kd/target_entropy',
    ):
        assert re.search(rf'{key}: [\d.]+', line), line


def test_a_student_checkpoint_lies_beside_every_checkpoint_and_loads_strictly(trained):
    names = {path.name for path in trained.work_dir.glob('*.pth')}
    training = {name for name in names if not name.startswith('student_')}
    assert len(training) == 2 and names - training == {f'student_{name}' for name in training}
    model = MMENGINE_MODELS.build({'_scope_': 'mmaction', **resnet3d(4, 2, norm='GN')})
    for name in training:
        student = read(trained.work_dir / f'student_{name}')['state_dict']
        model.load_state_dict(student, strict=True)
        whole = read(trained.work_dir / name)['state_dict']
        assert all(torch.equal(value, whole[f'student.{key}']) for key, value in student.items())


def test_no_tensor_of_a_teacher_is_in_any_file(trained):
    teachers = [read(trained.config.parent / f'{name}.pth') for name in ('vit', 'cnn')]
    own = [value for teacher in teachers for value in teacher.values() if value.dim() > 1]
    for path in trained.work_dir.glob('*.pth'):
        for tensor in tensors(read(path)):
            assert not any(tensor.shape == other.shape and torch.equal(tensor, other) for other in own), path


@pytest.mark.parametrize('prefix', ['', 'student_'])
def test_testing_takes_the_training_or_the_student_checkpoint(trained, prefix, tmp_path):
    seen = re.findall(r'after epoch 2: acc/top1: ([\d.]+)', trained.output)[-1]
    options = ('--work-dir', tmp_path, '--cfg-options', 'log_level=INFO')
    output = run(TOOLS / 'test.py', trained.config, trained.work_dir / f'{prefix}epoch_2.pth', *options)
    assert re.findall(r'acc/top1: ([\d.]+)', output)[-1] == seen


def test_a_killed_job_resumes_to_the_same_student(tmp_path):
    whole = distill_job(tmp_path / 'whole', epochs=3)
    run(TOOLS / 'train.py', whole.config, '--no-validate')
    job = distill_job(tmp_path / 'killed', epochs=3)
    kill = ['--cfg-options', 'custom_hooks.0.kill_after=3']  # in the middle of epoch 2
    killed = process(TOOLS / 'train.py', job.config, '--no-validate', *kill)
    assert killed.returncode == -signal.SIGKILL
    assert not (job.work_dir / 'epoch_2.pth').exists()
    run(TOOLS / 'train.py', job.config, '--no-validate', '--resume')
    iterations = [json.loads(line)['iter'] for line in (job.work_dir / 'losses_0.json').open()]
    assert iterations == [1, 2, 3, 3, 4, 5, 6]
    assert job.losses()[-4:] == pytest.approx(whole.losses()[-4:], rel=1e-6)
    a, b = (read(which.work_dir / 'student_epoch_3.pth')['state_dict'] for which in (whole, job))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_two_processes_learn_what_one_does_with_the_same_global_batch(tmp_path):
    """Relations and standardisation span the global batch, so that even the full method's curve is the same."""
    one = distill_job(tmp_path / 'one', batch_size=4, epochs=3)
    options = ['--cfg-options', 'log_level=INFO', 'train_cfg.val_interval=3']
    alone = run(TOOLS / 'train.py', one.config, *options, env=one_of_two())
    two = distill_job(tmp_path / 'two', batch_size=2, epochs=3)
    run('bash', TOOLS / 'dist_train.sh', two.config, 2, '--no-validate', env=two_processes())
    assert two.losses(0) != two.losses(1), 'both processes saw the same clips'
    mean = [(a + b) / 2 for a, b in zip(two.losses(0), two.losses(1), strict=True)]
    assert mean == pytest.approx(one.losses(), rel=1e-4)
    a, b = (read(job.work_dir / 'epoch_3.pth')['state_dict'] for job in (one, two))
    for name in a:
        torch.testing.assert_close(b[name], a[name], rtol=1e-3, atol=1e-4, msg=name)

    words = ('dist_test.sh', one.config, one.work_dir / 'epoch_3.pth', 2, '--cfg-options', 'log_level=INFO')
    output = run('bash', TOOLS / words[0], *words[1:], env=two_processes())
    top1 = re.compile(r'acc/top1: ([\d.]+)')
    assert top1.findall(output)[-1] == top1.findall(alone)[-1]


def test_ema_amp_and_gradient_accumulation_run_together_and_ema_averages_the_student(tmp_path):
    # oneDNN's bfloat16 gradient of a Conv3d reads memory that nobody wrote on grids as tiny as these (torch 2.13, CPU).
    extra = """
import torch
torch.backends.mkldnn.enabled = False
custom_hooks += [dict(type='EMAHook', momentum=0.5)]
optim_wrapper.update(type='AmpOptimWrapper', dtype='bfloat16', accumulative_counts=2)
"""
    job = distill_job(tmp_path, extra)
    run(TOOLS / 'train.py', job.config)
    checkpoint = read(job.work_dir / 'epoch_2.pth')
    student = read(job.work_dir / 'student_epoch_2.pth')['state_dict']
    assert {name.split('.')[1] for name in checkpoint['ema_state_dict'] if '.' in name} <= {
        'student',
        'terms',
        'backbone',
    }
    averaged, latest = checkpoint['state_dict'], checkpoint['ema_state_dict']
    key = 'cls_head.fc_cls.weight'
    assert all(value.isfinite().all() for value in student.values())
    assert torch.equal(student[key], averaged[f'student.{key}'])
    assert not torch.equal(student[key], latest[f'module.student.{key}'])
    assert Path(job.work_dir / 'student_epoch_2.pth').stat().st_size < Path(job.work_dir / 'epoch_2.pth').stat().st_size
