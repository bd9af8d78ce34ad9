"""A job that is killed without warning goes on where its last checkpoint stands."""

import json
import signal

import pytest
from helpers import TOOLS, process, run
from jobs import stock_job


def test_a_job_killed_without_warning_resumes_and_ends_as_if_nothing_had_happened(tmp_path):
    whole = stock_job(tmp_path / 'whole', epochs=3)
    run(TOOLS / 'train.py', whole.config, '--no-validate')

    job = stock_job(tmp_path / 'killed', epochs=3)
    kill = ['--cfg-options', 'custom_hooks.0.kill_after=3']  # in the middle of epoch 2
    killed = process(TOOLS / 'train.py', job.config, '--no-validate', *kill)
    assert killed.returncode == -signal.SIGKILL
    assert not (job.work_dir / 'epoch_2.pth').exists()

    run(TOOLS / 'train.py', job.config, '--no-validate', '--resume')
    lines = [json.loads(line) for line in (job.work_dir / 'losses_0.json').open()]
    assert [line['iter'] for line in lines] == [1, 2, 3, 3, 4, 5, 6]
    assert [line['loss'] for line in lines[3:]] == pytest.approx(whole.losses()[2:], rel=1e-5)
