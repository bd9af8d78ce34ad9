"""Weights take the place of the demo's teachers only if there are some, and trainings end with the tool."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers import TOOLS, wait_for
from make_demo_teachers import save_half

from mmdualkd.errors import CheckpointError


def test_a_checkpoint_without_weights_takes_no_teachers_place(tmp_path):
    out = tmp_path / 'teacher_vit.pth'
    torch.save(dict(state_dict=dict(weight=torch.ones(2))), tmp_path / 'whole.pth')
    save_half(tmp_path / 'whole.pth', out)
    kept = out.read_bytes()
    torch.save(dict(state_dict={}), tmp_path / 'empty.pth')
    with pytest.raises(CheckpointError, match=r"checkpoint: '.*empty.pth' holds no tensors of a model"):
        save_half(tmp_path / 'empty.pth', out)
    assert out.read_bytes() == kept
    assert torch.load(out, weights_only=True)['state_dict']['weight'].dtype == torch.float16


@pytest.mark.skipif(sys.platform != 'linux', reason='of Linux')
def test_a_killed_tool_leaves_no_training_behind(tmp_path):
    code = f"""
import sys
sys.path.insert(0, {str(TOOLS)!r})
import make_demo_teachers as tool
tool.make_clips = lambda *args, **kwargs: ()
tool.ROOT = __import__('pathlib').Path('.')
tool.main()
"""
    (tmp_path / 'tools').mkdir()
    (tmp_path / 'tools' / 'train.py').write_text(
        'import os, sys, time\n'
        'open(sys.argv[1].rpartition("/")[2] + ".pid", "w").write(str(os.getpid()))\n'
        'time.sleep(600)\n'
    )
    words = [sys.executable, '-c', code, '--out', tmp_path / 'out']
    with subprocess.Popen(words, cwd=tmp_path) as process:
        wait_for(lambda: len([path for path in tmp_path.glob('*.pid') if path.read_text()]) == 2)
        process.send_signal(signal.SIGTERM)
    pids = [path.read_text() for path in tmp_path.glob('*.pid')]
    wait_for(lambda: not any(sleeps(pid) for pid in pids))


def sleeps(pid):
    try:
        return b'train.py' in Path('/proc', pid, 'cmdline').read_bytes()
    except OSError:
        return False
