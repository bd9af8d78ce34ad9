"""A job that is killed without warning goes on where its last checkpoint stands."""

import json
import runpy
import signal
import sys
from types import SimpleNamespace

import pytest
from helpers import TOOLS, process, run
from jobs import stock_job

from mmdualkd import launch


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


@pytest.mark.parametrize('record, expected', [(False, (False, 'zoo.pth')), (True, (True, None))], ids=['none', 'some'])
def test_with_nothing_to_resume_training_begins_from_load_from(tmp_path, monkeypatch, capsys, record, expected):
    (tmp_path / 'job.py').write_text(f"load_from = 'zoo.pth'\nwork_dir = {str(tmp_path)!r}\n")
    if record:
        (tmp_path / 'last_checkpoint').write_text('epoch_1.pth')
    seen = []
    monkeypatch.setattr(launch, 'build_runner', lambda cfg: SimpleNamespace(train=lambda: seen.append(cfg)))
    monkeypatch.setattr(sys, 'argv', ['train.py', str(tmp_path / 'job.py'), '--resume'])
    runpy.run_path(str(TOOLS / 'train.py'), run_name='__main__')
    assert (seen[0].resume, seen[0].load_from) == expected
    assert ("begins from load_from='zoo.pth'" in capsys.readouterr().out) != record
