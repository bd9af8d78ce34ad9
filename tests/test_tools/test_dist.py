"""The launch scripts' words; more of what ends them is in test_endings.py, a whole test in test_distillation_job.py."""

import re
import socket

import pytest
from helpers import TOOLS, environment, free_port, run, two_processes
from jobs import stock_job

WATCHED = """
train_dataloader['dataset']['type'] = 'mmdualkd.VideoDataset'
custom_hooks += [dict(type='mmdualkd.CorruptVideoHook', max_fraction=0.2)]
"""


def test_the_broken_videos_of_all_processes_are_named_together_and_last_where_they_are_too_many(tmp_path):
    job = stock_job(tmp_path / 'job', batch_size=2, epochs=1)
    with job.config.open('a') as config:
        config.write(WATCHED)
    for name in ('class0_0.avi', 'class1_2.avi'):
        (job.config.parent / 'clips' / name).write_bytes(b'')
    env = two_processes()
    output = run('bash', TOOLS / 'dist_train.sh', job.config, 2, '--no-validate', env=env, ok=False)
    last = output.strip().splitlines()[-1]
    assert re.match(r'DataError: train epoch 1: 2 of 8 videos .*class0_0\.avi, .*class1_2\.avi', last), output
    assert output.count('DataError: ') == 1  # one message, not one a process


@pytest.mark.parametrize('begun', ['', "open(os.environ['TORCHELASTIC_ERROR_FILE'], 'w').close()\n"])
def test_a_process_that_dies_without_a_word_or_in_the_middle_of_it_is_told_of_in_one_line(tmp_path, begun):
    script = tmp_path / 'dies.py'
    script.write_text(f'import os\n{begun}os.kill(os.getpid(), 9)\n')
    output = run(TOOLS / 'torchrun.py', f'--master_port={free_port()}', '--nproc_per_node=1', script, ok=False)
    assert re.fullmatch(r"process 0 was killed \(SIGKILL\), mostly for want of the machine's memory; .*\n", output)


def test_a_port_that_another_training_has_is_one_line_that_says_what_to_set():
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        env = environment() | dict(PORT=port)
        output = run('bash', TOOLS / 'dist_train.sh', 'job.py', 2, env=env, ok=False)
    last = output.strip().splitlines()[-1]
    assert f'port: {port}' in last and last.endswith('has that port; set PORT to a free one'), output
    assert 'Traceback' not in output


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh'])
def test_a_script_without_arguments_says_how_it_is_called(script):
    assert f'bash tools/{script} ' in run('bash', TOOLS / script, ok=False)


@pytest.mark.parametrize('processes', ['0', '-1', 'abc', '--amp', '1.5'])
def test_a_number_of_processes_that_is_none_is_one_clear_line(processes):
    for script, words in (('dist_train.sh', ['job.py']), ('dist_test.sh', ['job.py', 'epoch_1.pth'])):
        output = run('bash', TOOLS / script, *words, processes, '1', ok=False)
        assert output == f"{TOOLS / script}: PROCESSES must be a whole number from 1, got '{processes}'\n"


@pytest.mark.parametrize('others', [{}, dict(NODE_RANK='1'), dict(MASTER_ADDR='10.0.0.1')])
def test_one_of_several_machines_does_not_wait_for_others_that_it_cannot_find(others):
    env = {**environment(), 'NNODES': '2', **others}
    for script, words in (('dist_train.sh', ['job.py']), ('dist_test.sh', ['job.py', 'epoch_1.pth'])):
        output = run('bash', TOOLS / script, *words, '1', ok=False, env=env)
        assert output.startswith(f'{TOOLS / script}: NNODES=2 needs NODE_RANK')


def test_the_slurm_script_hands_resources_and_flags_to_srun(tmp_path):
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\necho "$@"\n')
    srun.chmod(0o755)
    env = environment()
    env.update(PATH=f'{tmp_path}:{env["PATH"]}', GPUS='4', SRUN_ARGS='--qos=high --time=1:00')
    (tmp_path / 'c.py').touch()
    words = run('bash', TOOLS / 'slurm_train.sh', 'part', 'job', 'c.py', '--amp', env=env, cwd=tmp_path).split()
    assert words[:3] == ['-p', 'part', '--job-name=job']
    assert {'--gres=gpu:4', '--ntasks=4', '--ntasks-per-node=4', '--qos=high', '--time=1:00'} <= set(words)
    assert words[-5:][1:] == ['c.py', '--launcher', 'slurm', '--amp']


@pytest.mark.parametrize(
    'config, setting, told',
    [
        ('d.py', {}, "CONFIG='d.py' is not a file"),
        ('mmdualkd::a.py', dict(GPUS='0'), "GPUS must be a whole number from 1, got '0'"),
        ('mmdualkd::a.py', dict(CPUS_PER_TASK='few'), "CPUS_PER_TASK must be a whole number from 1, got 'few'"),
    ],
)
def test_what_the_slurm_script_cannot_start_does_not_wait_in_the_queue(tmp_path, config, setting, told):
    output = run('bash', TOOLS / 'slurm_train.sh', 'part', 'job', config, ok=False, cwd=tmp_path,
                 env={**environment(), **setting})  # fmt: skip
    assert output == f'{TOOLS / "slurm_train.sh"}: {told}\n'
