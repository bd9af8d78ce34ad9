"""MMAction2's own, untouched tools run our configs: `custom_imports` is all that they need."""

import importlib.util
import re
from pathlib import Path

import pytest
import torch
from distill_jobs import distill_job
from helpers import free_port, run
from jobs import stock_job

UPSTREAM = Path(importlib.util.find_spec('mmaction').origin).parent / '.mim' / 'tools'
pytestmark = pytest.mark.skipif(not UPSTREAM.is_dir(), reason='this mmaction2 was installed without its tools')


def test_their_train_resume_and_test_tools_run_our_configs(tmp_path):
    job = distill_job(tmp_path / 'job', epochs=1)  # its train pipeline gets the model's views from a hook
    run(UPSTREAM / 'train.py', job.config)
    run(UPSTREAM / 'train.py', job.config, '--resume', '--cfg-options', 'train_cfg.max_epochs=2')
    assert len(job.losses()) == 4
    output = run(UPSTREAM / 'test.py', job.config, job.work_dir / 'epoch_2.pth', '--cfg-options', 'log_level=INFO')
    assert re.search(r'acc/top1: [\d.]+', output)


@pytest.mark.skipif(torch.cuda.is_available(), reason='with a GPU it uses one a process, over NCCL')
def test_their_train_tool_runs_under_torchrun_on_cpus(tmp_path):
    job = stock_job(tmp_path, batch_size=2, epochs=1)
    run(
        'torchrun', '--nproc_per_node=2', f'--master_port={free_port()}', UPSTREAM / 'train.py', job.config,
        '--launcher', 'pytorch',
    )  # fmt: skip
    assert len(job.losses(0)) == len(job.losses(1)) == 2
