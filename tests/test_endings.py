"""What ends a tool is the last that it prints, and stands alone."""

import errno
import os
import re
import subprocess
import sys
import time

import pytest
import torch
from distill_jobs import distill_job
from helpers import TOOLS, environment, gone, process, run, two_processes
from mmengine.dataset import default_collate
from torch.utils.data import DataLoader

from mmdualkd import endings
from mmdualkd.errors import CheckpointError, ConfigError

FAILING = """
custom_imports['imports'] += ['failing']
custom_hooks += [dict(type='mmengine.FailHook')]
log_level = 'INFO'
"""
HOW = 'custom_hooks.3.how'


@pytest.fixture(scope='module')
def job(tmp_path_factory):
    """A job that ends badly in its second epoch."""
    return distill_job(tmp_path_factory.mktemp('job'), FAILING)


def train(job, folder, *options):
    """The output of a training that fails, and its log file."""
    output = run(TOOLS / 'train.py', job.config, '--work-dir', folder, '--cfg-options', *options, ok=False)
    logs = list(folder.glob('*/*.log'))
    return output, logs[0].read_text() if logs else ''


def test_a_bug_ends_with_its_traceback_which_is_in_the_log_file_too(job, tmp_path):
    output, log = train(job, tmp_path, f'{HOW}=bug')
    assert output.endswith("\nKeyError: 'a bug'\n") and output.count('Traceback') == 1
    assert 'Traceback' in log and "KeyError: 'a bug'" in log


def test_memory_that_is_not_there_is_one_line_with_what_to_lower(job, tmp_path):
    output, log = train(job, tmp_path, f'{HOW}=memory')
    last = output.strip().splitlines()[-1]
    assert last.startswith(
        'MemoryShortage: the GPU of 15.78 GiB has no 2.00 GiB left: lower train_dataloader.batch_size (now 4), train '
    )
    assert 'Traceback' not in output and 'OutOfMemoryError' in log


def test_a_full_disk_is_one_line_whatever_is_written():
    def write():
        raise OSError(errno.ENOSPC, 'No space left on device')

    with pytest.raises(CheckpointError, match=r'^the disk is full \(No space left on device\): make room there; what'):
        endings._explained(write)


@pytest.mark.parametrize('workers', [0, 1])
def test_samples_that_default_collate_cannot_stack_are_one_line_with_their_sizes(workers):
    samples = [dict(inputs=torch.zeros(3, 8, size)) for size in (8, 9)]
    loader = DataLoader(samples, batch_size=2, num_workers=workers, collate_fn=default_collate)
    with pytest.raises(ConfigError, match=r'several sizes, \[3, 8, 8\] and \[3, 8, 9\]: let it crop or resize'):
        endings._explained(lambda: next(iter(loader)))
    with pytest.raises(RuntimeError, match='expects each tensor to be equal size'):  # of anything else
        endings._explained(lambda: torch.stack([sample['inputs'] for sample in samples]))


def test_an_error_in_a_worker_that_loads_data_is_one_line(job, tmp_path):
    refuse = ["train_dataloader.dataset.pipeline.0.type='mmengine.RefuseClip'", 'train_dataloader.num_workers=1']
    output, log = train(job, tmp_path, *refuse)
    assert output.endswith('\nDataError: no clip is good enough\n') and 'Traceback' not in output
    assert 'Original Traceback' in log


def test_a_training_whose_console_is_gone_goes_on_and_says_so_once(tmp_path):
    job = distill_job(tmp_path)
    reader, writer = os.pipe()
    os.close(reader)
    words = [
        sys.executable,
        '-W',
        'ignore',
        TOOLS / 'train.py',
        job.config,
        '--work-dir',
        tmp_path / 'run',
        '--no-validate',
    ]
    with os.fdopen(writer, 'wb') as closed:
        done = subprocess.run(words, stdout=closed, stderr=subprocess.PIPE, text=True, env=environment())
    assert done.returncode == 0 and done.stderr.count('nothing more is printed (Broken pipe)') == 1
    assert 'Logging error' not in done.stderr and (tmp_path / 'run' / 'last_checkpoint').is_file()


@pytest.mark.parametrize(('workers', 'how'), [(0, 'interrupt'), (2, 'interrupt'), (2, 'terminate')])
def test_an_interruption_says_where_resume_goes_on(job, tmp_path, workers, how):
    options = (f'{HOW}={how}', f'train_dataloader.num_workers={workers}')
    words = (job.config, '--work-dir', tmp_path, '--no-validate', '--cfg-options', *options)
    done = process(TOOLS / 'train.py', *words, fresh=workers > 0)
    assert done.returncode == 130
    said = f'Interrupted in iteration 3; the same command with --resume goes on from {tmp_path}/epoch_1.pth\n'
    assert done.stdout.endswith(f'\n{said}') and 'Traceback' not in done.stdout


def test_of_two_processes_the_one_that_fails_is_told_of_and_the_other_says_nothing(job, tmp_path):
    words = (TOOLS / 'dist_train.sh', job.config, 2, '--work-dir', tmp_path, '--cfg-options')
    output = run('bash', *words, f'{HOW}=bug', 'train_dataloader.batch_size=2', env=two_processes(), ok=False)
    assert output.endswith("\nKeyError: 'a bug'\n") and output.count('Traceback') == 1
    assert len(re.findall('^process 1:$', output, re.M)) == 1
    assert output.count('job: training') == output.count('validation after epoch 1') == 1  # of the first process alone
    assert not re.search(r'^[WE]\d{4} |SIGTERM|Warning', output, re.M), output


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux ends children with their parents')
def test_a_process_of_torchruns_ends_with_it_even_where_torchrun_is_killed(tmp_path):
    worker = (
        'import os, pathlib, time\n'
        'from mmdualkd.endings import run_tool\n'
        f'run_tool(lambda: (pathlib.Path({str(tmp_path)!r}, str(os.getpid())).touch(), time.sleep(300)))\n'
    )
    code = (
        'import subprocess, sys, time\n'
        f'subprocess.Popen([sys.executable, "-c", {worker!r}], start_new_session=True)\n'
        'time.sleep(300)\n'
    )
    env = environment() | dict(TORCHELASTIC_ERROR_FILE=str(tmp_path / 'error.json'))
    torchrun = subprocess.Popen([sys.executable, '-c', code], env=env)
    while not (found := [path.name for path in tmp_path.iterdir() if path.name.isdecimal()]):
        assert torchrun.poll() is None
        time.sleep(0.1)
    torchrun.kill()
    torchrun.wait()
    assert gone(int(found[0]))
