"""The stages of a run: each is done once, whatever stops it in between."""

import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mmdualkd

from ..errors import ConfigError, DistillError
from ..files import open_whole

STATE = 'run.json'
LOCK = '.lock'
TOOLS = Path(__file__).parents[1] / '.mim' / 'tools'


class StageError(DistillError, RuntimeError):
    """A stage that failed; its own error is the message, and has been printed."""


class Run:
    """A folder of a run, and what of it is done.

    Args:
        folder: The folder; it is made.
        arguments: What the run is of. A folder of other arguments is refused.

    Raises:
        ConfigError: If the folder holds another run, or something else.
    """

    def __init__(self, folder: Path, arguments: Mapping[str, Any]) -> None:
        self.folder = folder
        self.path = folder / STATE
        self.state: dict[str, Any] = dict(arguments=dict(arguments), stages={})
        if self.path.is_file():
            self.state = self._read()
            _check_same(self.path, self.state['arguments'], arguments)
        elif any(entry.name != LOCK for entry in folder.iterdir()):
            raise ConfigError(f'--out={str(folder)!r} is a folder with other things in it: name a new one')

    def _read(self) -> dict[str, Any]:
        try:
            state = json.loads(self.path.read_text(encoding='utf-8'))
            return dict(arguments=dict(state['arguments']), stages=dict(state['stages']))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f'{str(self.path)!r} cannot be read as the state of a run: {error!r}') from error

    def result(self, stage: str) -> Any:
        """What a finished stage gave; None if it has not run."""
        return self.state['stages'].get(stage, {}).get('result')

    def stage(self, name: str, title: str, work: Callable[[], Any]) -> Any:
        """Does a stage unless it is done, and notes what it gave.

        Args:
            name: Its name in the state.
            title: What the user reads.
            work: Does it, and gives what JSON can hold.
        """
        if name in self.state['stages']:
            print(f'== {title}: done before', flush=True)
            return self.result(name)
        print(f'== {title}', flush=True)
        begin = time.monotonic()
        result = work()
        self.state['stages'][name] = dict(result=result, seconds=round(time.monotonic() - begin, 1))
        with open_whole(self.path, 'w') as file:
            json.dump(self.state, file, indent=1)
        return result


def _check_same(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuses to go on with a run under other arguments."""
    now = json.loads(json.dumps(now))
    for name in now:
        if before.get(name) != now[name]:
            raise ConfigError(
                f'{path.parent} holds another run: {name}={before.get(name)!r} there, {now[name]!r} here; name another '
                '--out, or give the same arguments to go on with it'
            )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps a second command from working in the same folder; processes that a stage starts hold the lock, too.

    Raises:
        ConfigError: If another command works there.
    """
    with (folder / LOCK).open('w') as file:
        os.set_inheritable(file.fileno(), True)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(f'--out={str(folder)!r}: another command is working there; wait for it') from error
        yield


def run_tool(script: str, *arguments: Any, processes: int = 1) -> None:
    """Runs a tool of the repository in a process of its own, so that it leaves nothing behind.

    Args:
        script: Its name (``train``).
        arguments: Its command line.
        processes: How many of it run together, by torchrun.

    Raises:
        StageError: If it fails; what it printed ends with its own error.
    """
    command = [sys.executable, str(TOOLS / f'{script}.py'), *map(str, arguments)]
    if processes > 1:
        launch = ['--nnodes=1', '--rdzv-backend=c10d', '--rdzv-endpoint=localhost:0', f'--nproc_per_node={processes}']
        command = [command[0], str(TOOLS / 'torchrun.py'), *launch, *command[1:], '--launcher', 'pytorch']
    package = str(Path(mmdualkd.__file__).parents[1])
    paths = [package, *filter(None, [os.environ.get('PYTHONPATH')])]
    env = {**os.environ, 'PYTHONPATH': os.pathsep.join(paths), 'PYTHONWARNINGS': 'ignore'}
    with subprocess.Popen(
        command, env=env, stderr=subprocess.PIPE, close_fds=False, preexec_fn=_end_with_parent
    ) as child:
        words = _LastWords(child.stderr)
        try:
            code = child.wait()
        except BaseException:  # an interrupt: the child saves nothing more, and must not go on alone
            child.terminate()
            child.wait()
            raise
        finally:
            words.thread.join()
    if code:
        raise StageError(words.line or f'{script} ended with exit code {code}')


class _LastWords:
    """Hands on what a process prints to its standard error, and keeps the last line."""

    def __init__(self, pipe: Any) -> None:
        self.line = ''
        self.thread = threading.Thread(target=self._copy, args=(pipe,), daemon=True)
        self.thread.start()

    def _copy(self, pipe: Any) -> None:
        end = b''
        while chunk := pipe.read1(1 << 16):
            sys.stderr.buffer.write(chunk) if hasattr(sys.stderr, 'buffer') else sys.stderr.write(chunk.decode())
            sys.stderr.flush()
            end = (end + chunk)[-4096:]
        lines = [line for line in end.decode(errors='replace').replace('\r', '\n').split('\n') if line.strip()]
        self.line = lines[-1].strip() if lines else ''


def _end_with_parent() -> None:
    """Lets Linux end a child with its parent, so that a killed run does not train on unseen."""
    if sys.platform == 'linux':
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def parse_time(text: str) -> float:
    """Seconds of ``90m``, ``2h``, ``1d`` or ``1h30m``.

    Raises:
        ConfigError: If it is no time.
    """
    import re

    units = dict(s=1, m=60, h=3600, d=86400)
    parts = re.findall(r'(\d+(?:\.\d+)?)([smhd])', text)
    seconds = sum(float(number) * units[unit] for number, unit in parts)
    if not seconds or ''.join(number + unit for number, unit in parts) != text:
        raise ConfigError(f'--time-budget={text!r} is no time such as 90m, 2h or 1h30m')
    return seconds
