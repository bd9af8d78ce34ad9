"""The demo: its shipped teachers are small and good, and it goes from clips to summary in one command."""

import json
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import cv2
import demo
import pytest
import torch
from helpers import ROOT, TOOLS, environment, process, wait_for
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner
from moving_shapes import make_clips

from mmdualkd.checkpoint import read_checkpoint
from mmdualkd.processes import Tool, locked

DEMO = ROOT / 'configs' / 'demo'
TEACHERS = dict(vit=90, cnn=90)  # percent on clips that no training saw


def test_the_shipped_teachers_are_float16_and_under_3_megabytes_in_all():
    files = [DEMO / f'teacher_{name}.pth' for name in TEACHERS]
    assert sum(file.stat().st_size for file in files) < 3e6
    for file in files:
        state = read_checkpoint(file, 'teacher')['state_dict']
        assert {value.dtype for value in state.values() if value.is_floating_point()} == {torch.float16}


@pytest.fixture(scope='module')
def new_clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp('clips')
    list(make_clips(folder, train=0, test=200, seed=123))
    return folder


@pytest.mark.parametrize('name', TEACHERS)
def test_a_shipped_teacher_is_really_good_at_new_clips(name, new_clips):
    cfg = Config.fromfile(DEMO / f'teacher_{name}.py')
    init_default_scope('mmaction')
    model = MODELS.build(cfg.model).eval()
    model.load_state_dict(read_checkpoint(DEMO / f'teacher_{name}.pth', 'teacher')['state_dict'], strict=True)
    cfg.test_dataloader.dataset.data_root = str(new_clips)
    right = []
    for batch in Runner.build_dataloader(cfg.test_dataloader):
        with torch.no_grad():
            right += [sample.pred_label.item() == sample.gt_label.item() for sample in model.test_step(batch)]
    assert 100 * sum(right) / len(right) >= TEACHERS[name]


class ByFork(Tool):
    """A tool that a fork of the warm process runs to its end, but for one that runs as users' do."""

    def __init__(self, script, arguments, log, threads):
        if 'teacher_vit.py' in str(arguments):
            super().__init__(script, arguments, log, threads)
        else:
            self.log, self.process = log, process(TOOLS / f'{script}.py', *arguments)
            self.process.poll = lambda: self.process.returncode
            log.write_text(self.process.stdout)


def test_the_demo_goes_from_clips_to_summary_table_picture_and_a_student_that_loads(tmp_path, monkeypatch, capsys):
    """One seed, one epoch, few clips: the accuracies are left to the real demo."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, 'Tool', ByFork)
    monkeypatch.setattr(demo, 'TRAIN_CLIPS', 40)
    monkeypatch.setattr(demo, 'TEST_CLIPS', 40)
    words = ['demo', '--seeds', '1', '--jobs', '1', '--cfg-options', 'train_cfg.max_epochs=1']
    monkeypatch.setattr(sys, 'argv', words)
    with warnings.catch_warnings():
        demo.main()
    assert '| student distilled (1 seeds) |' in capsys.readouterr().out
    folder = tmp_path / 'work_dirs' / 'demo'
    summary = json.loads((folder / 'summary.json').read_text())
    assert set(summary['teachers']) == {'vit', 'cnn'}
    for name in ('student_alone', 'student_distilled'):
        assert len(summary[name]['top1']) == 1
        assert 0 <= summary[name]['top1'][0] <= 100
        assert summary[name]['train_seconds'][0] > 0
    assert summary['exported_top1'] == summary['student_distilled']['top1'][0]
    student, teachers = summary['student_alone'], summary['teachers']
    assert student['params'] < min(teacher['params'] for teacher in teachers.values())
    assert 0 < student['gflops'] < teachers['cnn']['gflops']
    assert summary['seconds'] > 0
    assert cv2.imread(str(folder / 'demo.png')).std() > 0
    state = read_checkpoint(tmp_path / summary['student_checkpoint'], 'student')['state_dict']
    init_default_scope('mmaction')
    student = MODELS.build(Config.fromfile(tmp_path / summary['student_config']).model)
    student.load_state_dict(state, strict=True)


def test_a_demo_that_is_ended_ends_its_trainings(tmp_path):
    (tmp_path / 'job.py').write_text(f"""
import sys
sys.path.insert(0, {str(TOOLS)!r})
import demo
from pathlib import Path
demo.Tool.__init__.__globals__['command_of'] = lambda script, *words: [
    sys.executable, '-c', 'import os, time; print(os.getpid(), flush=True); time.sleep(600)']
jobs = [demo.Job(name, 'train', [], Path(name)) for name in 'ab']
from mmdualkd.launch import run_tool
run_tool(lambda: demo.run_all(jobs, 2))
""")
    logs = [tmp_path / name / 'output.log' for name in 'ab']
    with subprocess.Popen([sys.executable, 'job.py'], cwd=tmp_path, env=environment()) as job:
        wait_for(lambda: all(log.is_file() and log.read_text().endswith('\n') for log in logs))
        job.send_signal(signal.SIGTERM)
    for log in logs:
        with pytest.raises(ProcessLookupError):
            os.kill(int(log.read_text()), 0)


def test_a_second_demo_is_refused_and_leaves_the_runs_of_the_first(tmp_path):
    run = tmp_path / demo.FOLDER / 'runs' / 'student_alone_seed0'
    run.mkdir(parents=True)
    with locked(tmp_path / demo.FOLDER):
        done = process(TOOLS / 'demo.py', cwd=tmp_path)
    told = "ConfigError: the folder of the demo='work_dirs/demo': another command is working there; wait for it"
    assert done.returncode == 1 and done.stdout.splitlines()[-1] == told and 'Traceback' not in done.stdout
    assert run.is_dir()


def test_a_job_that_fails_ends_the_others_and_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = 'import sys, time; print("no such file"); time.sleep(600 if "b" in sys.argv else 0); sys.exit(3)'
    words = lambda script, *arguments: [sys.executable, '-c', code, *arguments]  # noqa: E731
    monkeypatch.setattr('mmdualkd.processes.command_of', words)
    jobs = [demo.Job(name, 'train', [], Path(name)) for name in 'ab']
    with pytest.raises(SystemExit, match='a failed: no such file'):
        demo.run_all(jobs, 2)
    assert jobs[1].tool.code() is not None
