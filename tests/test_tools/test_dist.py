"""The launch scripts: several processes over gloo where there is no GPU, and one process as the measure."""

import re

import pytest
import torch
from helpers import TOOLS, environment, free_port, run
from jobs import stock_job

WATCHED = """
train_dataloader['dataset']['type'] = 'mmdualkd.VideoDataset'
custom_hooks += [dict(type='mmdualkd.CorruptVideoHook', max_fraction=0.2)]
"""
needs_cpu = pytest.mark.skipif(torch.cuda.is_available(), reason='with a GPU the scripts use one each, over NCCL')


@needs_cpu
def test_two_processes_learn_exactly_what_one_does_with_the_same_global_batch(tmp_path):
    one = stock_job(tmp_path / 'one', batch_size=4, epochs=3)
    alone = run(TOOLS / 'train.py', one.config, '--cfg-options', 'log_level=INFO', 'train_cfg.val_interval=3')

    two = stock_job(tmp_path / 'two', batch_size=2, epochs=3)
    env = {**environment(), 'PORT': free_port()}
    run('bash', TOOLS / 'dist_train.sh', two.config, 2, '--no-validate', env=env)

    mean = [(a + b) / 2 for a, b in zip(two.losses(0), two.losses(1), strict=True)]
    assert two.losses(0) != two.losses(1), 'both processes saw the same clips'
    assert mean == pytest.approx(one.losses(), rel=1e-4)
    weights = [torch.load(job.work_dir / 'epoch_3.pth', weights_only=True)['state_dict'] for job in (one, two)]
    for name, weight in weights[0].items():
        torch.testing.assert_close(weights[1][name], weight, rtol=1e-3, atol=1e-5, msg=name)

    output = run('bash', TOOLS / 'dist_test.sh', two.config, two.work_dir / 'epoch_3.pth', 2, '--cfg-options',
                 'log_level=INFO', env={**env, 'PORT': free_port()})  # fmt: skip
    top1 = re.compile(r'acc/top1: ([\d.]+)')
    assert top1.findall(output)[-1] == top1.findall(alone)[-1]


@needs_cpu
def test_the_broken_videos_of_all_processes_are_named_together_and_last_where_they_are_too_many(tmp_path):
    job = stock_job(tmp_path / 'job', batch_size=2, epochs=1)
    with job.config.open('a') as config:
        config.write(WATCHED)
    for name in ('class0_0.avi', 'class1_2.avi'):
        (job.config.parent / 'clips' / name).write_bytes(b'')
    env = {**environment(), 'PORT': free_port()}
    output = run('bash', TOOLS / 'dist_train.sh', job.config, 2, '--no-validate', env=env, ok=False)
    last = output.strip().splitlines()[-1]
    assert re.match(r'DataError: train epoch 1: 2 of 8 videos .*class0_0\.avi, .*class1_2\.avi', last), output
    assert output.count('DataError: ') == 1  # one message, not one a process


def test_torchrun_reports_itself_where_a_process_dies_without_a_word(tmp_path):
    script = tmp_path / 'dies.py'
    script.write_text('import os\nos.kill(os.getpid(), 9)\n')
    output = run(TOOLS / 'torchrun.py', f'--master_port={free_port()}', '--nproc_per_node=1', script, ok=False)
    assert 'ChildFailedError' in output and 'SIGKILL' in output


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh'])
def test_a_script_without_arguments_says_how_it_is_called(script):
    assert f'bash tools/{script} ' in run('bash', TOOLS / script, ok=False)


def test_the_slurm_script_hands_resources_and_flags_to_srun(tmp_path):
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\necho "$@"\n')
    srun.chmod(0o755)
    env = environment()
    env.update(PATH=f'{tmp_path}:{env["PATH"]}', GPUS='4', SRUN_ARGS='--qos=high --time=1:00')
    words = run('bash', TOOLS / 'slurm_train.sh', 'part', 'job', 'c.py', '--amp', env=env).split()
    assert words[:3] == ['-p', 'part', '--job-name=job']
    assert {'--gres=gpu:4', '--ntasks=4', '--ntasks-per-node=4', '--qos=high', '--time=1:00'} <= set(words)
    assert words[-5:][1:] == ['c.py', '--launcher', 'slurm', '--amp']
