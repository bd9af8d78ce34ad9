"""A fork of the warm process begins, prints and ends as a new process does."""

import pytest
from helpers import environment, process, warm_process

SCRIPT = """
import atexit, os, sys
import mmdualkd
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
atexit.register(print, 'the end')
print(sys.argv, __name__, os.getcwd(), os.environ['WORD'], sorted(os.environ), sys.path)
print([kind._instance_dict for kind in (MessageHub, MMLogger, DefaultScope)], torch.get_num_threads())
print([name for name in sys.modules if name.partition('.')[0] in ('jobs', 'helpers', 'tiny', 'pytest')])
print(sys.stdin.read(), os.isatty(1))
"""
ENDS = ['sys.exit()', 'sys.exit(3)', 'sys.exit("an error")', 'raise KeyError(2)', 'os.kill(os.getpid(), 9)']


def test_a_fork_is_what_a_new_process_would_be(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(SCRIPT)
    env = {**environment(), 'WORD': 'word'}
    new = process(script, 'a', '--b', cwd=tmp_path, env=env)
    fork = warm_process().run([str(script), 'a', '--b'], str(tmp_path), env)
    assert new.stdout.endswith('the end\n') and (fork.returncode, fork.stdout) == (new.returncode, new.stdout)


@pytest.mark.parametrize('end', ENDS)
def test_a_fork_ends_as_a_new_process_does(end, tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(f'import atexit, os, sys\natexit.register(print, "the end")\nprint("first")\n{end}')
    new = process(script)
    fork = warm_process().run([str(script)], str(tmp_path), environment())
    assert fork.returncode == new.returncode
    for done in (new, fork):  # the middle of a traceback is another
        done.stdout = [done.stdout.splitlines()[:1], done.stdout.splitlines()[-3:]]
    assert fork.stdout == new.stdout


def test_forks_draw_other_random_numbers(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text('import random, numpy, torch; print(random.random(), numpy.random.rand(), torch.initial_seed())')
    outputs = [warm_process().run([str(script)], str(tmp_path), environment()).stdout.split() for _ in range(2)]
    assert len(set(outputs[0] + outputs[1])) == 6
