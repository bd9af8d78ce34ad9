"""What is tried in processes of its own: it may fail in any way, or end them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from .. import compat
from ..findings import Finding
from ..scalars import json_lines

HERE = Path(__file__).parent
HANGS = 300  # seconds


def faults() -> Iterator[Finding]:
    """Says of each fault that compat mends whether the installed packages have it."""
    lines, end = run((HERE / 'probes.py').read_text())
    found = {line['name']: line['state'] for line in lines if 'name' in line}
    for cure in (compat.know_our_configs, *compat.CURES.values()):
        name, told = cure.__name__, (cure.__doc__ or '').partition('\n')[0].replace('``', '')
        state = found.get(name, f'not looked at ({end or "no probe"})')
        yield Finding('fine', 'fault', f'{state.replace("present", "present, mended")}: {name}: {told}')


def stack() -> Iterator[Finding]:
    """Imports what training imports, with the cures in place, and says what devices and decoder do."""
    lines, end = run('from mmdualkd.doctor.trial import main; main()', inside=True)
    yield from (Finding(**line) for line in lines if 'level' in line)
    if end:
        last = next((line['begin'] for line in reversed(lines) if 'begin' in line), 'stack')
        yield Finding('error', last, f'the process that tried it ended: {end}')


def run(source: str, inside: bool = False) -> tuple[list[dict], str]:
    """Runs source in a process of its own, which writes lines of JSON.

    Args:
        source: What it runs.
        inside: Whether it finds this package.

    Returns:
        The lines, and how the process ended if not well.
    """
    env = {**os.environ, 'PYTHONWARNINGS': 'ignore'}
    if inside:
        env['PYTHONPATH'] = os.pathsep.join(filter(None, [str(HERE.parents[1]), env.get('PYTHONPATH')]))
    try:
        done = subprocess.run([sys.executable, '-c', source], env=env, capture_output=True, text=True, timeout=HANGS)
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b''
        return json_lines(output.decode() if isinstance(output, bytes) else output), f'it hangs for {HANGS} s'
    if done.returncode < 0:
        end = signal.Signals(-done.returncode).name
    elif done.returncode:
        end = (done.stderr.strip().splitlines() or ['without a word'])[-1]
    else:
        end = ''
    return json_lines(done.stdout), end
