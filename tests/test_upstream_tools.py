"""MMAction2's own, untouched tools run our configs: `custom_imports` is all that they need."""

import importlib.util
import re
from pathlib import Path

import pytest
from distill_jobs import distill_job
from helpers import free_port, one_of_two, run
from jobs import stock_job

UPSTREAM = Path(importlib.util.find_spec('mmaction').origin).parent / '.mim' / 'tools'
pytestmark = pytest.mark.skipif(not UPSTREAM.is_dir(), reason='this mmaction2 was installed without its tools')
INFO = ('--cfg-options', 'log_level=INFO')


@pytest.fixture
def upstream(without_us):
    """Runs one of their tools in a process that knows nothing of us until a config imports us; gives its output."""

    def call(name, *words, ok=True):
        done = without_us.run([str(UPSTREAM / name), *map(str, words)], str(Path.cwd()), without_us.env)
        assert (done.returncode == 0) == ok, done.stdout[-6000:]
        return done.stdout

    return call


def test_their_train_resume_and_test_tools_run_a_distillation(upstream, tmp_path):
    job = distill_job(tmp_path, epochs=1)  # its train pipeline gets the model's views from a hook
    run(UPSTREAM / 'train.py', job.config)
    trained = upstream('train.py', job.config, '--resume', *INFO, 'train_cfg.max_epochs=2')
    assert len(job.losses()) == 4
    seen = re.findall(r'Epoch\(val\) \[2\].*acc/top1: ([\d.]+)', trained)[-1]
    for prefix in ('', 'student_'):
        output = upstream('test.py', job.config, job.work_dir / f'{prefix}epoch_2.pth', *INFO)
        assert re.findall(r'acc/top1: ([\d.]+)', output)[-1] == seen


def test_a_key_that_only_our_tools_hand_on_is_refused_by_theirs(upstream, tmp_path):
    job = distill_job(tmp_path)
    leaf = tmp_path / 'leaf.py'
    leaf.write_text("_base_ = 'job.py'\nann_file_val = 'mine.txt'\n")
    output = upstream('train.py', leaf, ok=False)
    message = (
        "ann_file_val='mine.txt' at the top of the config does not reach val_dataloader.dataset.ann_file, which is "
    )
    assert message in output and 'train with tools/train.py of mmdualkd' in output
    assert not job.work_dir.joinpath('epoch_1.pth').exists()


WATCHED = """
train_dataloader['dataset']['type'] = 'mmdualkd.VideoDataset'
custom_hooks += [dict(type='mmdualkd.CorruptVideoHook', max_fraction=0.3)]
"""


def test_their_train_tool_runs_under_torchrun_and_names_the_broken_videos_of_all_processes(tmp_path):
    job = stock_job(tmp_path, batch_size=2, epochs=1)
    with job.config.open('a') as config:
        config.write(WATCHED)
    for name in ('class0_0.avi', 'class1_2.avi'):
        (tmp_path / 'clips' / name).write_bytes(b'')
    output = run(
        'torchrun', '--nproc_per_node=2', f'--master_port={free_port()}', UPSTREAM / 'train.py', job.config,
        '--launcher', 'pytorch', '--no-validate', env=one_of_two(),
    )  # fmt: skip
    assert len(job.losses(0)) == len(job.losses(1)) == 2
    assert re.search(r'train epoch 1: 2 of 8 videos .*class0_0\.avi, .*class1_2\.avi', output), output
