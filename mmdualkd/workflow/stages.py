"""The stages of a run: each is done once, whatever stops it in between."""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import ConfigError, DistillError
from ..files import PART, open_whole
from ..names import RUN
from ..processes import LOCK, PATIENCE, Terminated, command_of, end_with_parent, environment

STATE = RUN
FRAMES = 'frames'  # decoded once, for the time of the run
TRAININGS = ('teachers', 'distilled', 'alone')
OURS = (LOCK, STATE, 'annotations', 'configs', FRAMES, *TRAININGS)  # what a run whose state was lost is known by
# what else lies in it then, if that is its config
LATER = ('teachers.json', 'check', 'tests', 'export', 'report', 'report.md', 'report.png', 'report.html')
CONFIG = Path('configs', 'distilled.py')


class StageError(DistillError, RuntimeError):
    """A stage that failed; its own error is the message, and has been printed."""


class Run:
    """A folder of a run, and what of it is done.

    Args:
        folder: The folder, see :meth:`check_free`.
        arguments: What the run is of. Once it has trained, other arguments are refused; before that they take the
            place of the old ones.

    Raises:
        ConfigError: If the folder holds a run of other arguments, or one that was made in another place.
    """

    def __init__(self, folder: Path, arguments: Mapping[str, Any]) -> None:
        self.folder = folder
        self.path = folder / STATE
        arguments = json.loads(json.dumps(dict(arguments)))
        self.state: dict[str, Any] = dict(folder=str(folder), arguments=arguments, stages={})
        if self.path.is_file():
            before = self.read(folder)
            if before['folder'] != str(folder):
                raise ConfigError(
                    f'--out={str(folder)!r} holds a run that was made in {before["folder"]!r}, and its configs name '
                    'that place: move it back, or name a new folder'
                )
            differences = [name for name in arguments if before['arguments'].get(name) != arguments[name]]
            if not differences:
                self.state = before
            elif self.has_trained():
                name = differences[0]
                raise ConfigError(
                    f'--out={str(folder)!r} holds another run: {name}={before["arguments"].get(name)!r} there, '
                    f'{arguments[name]!r} here; name another --out, or give the same arguments to go on with it'
                )
            else:
                self._remove_configs()
        self._write()

    def has_trained(self) -> bool:
        """Whether a training has begun."""
        return any((self.folder / name).is_dir() for name in TRAININGS)

    def _remove_configs(self) -> None:
        for config in (self.folder / 'configs').glob('*.py'):
            config.unlink()

    @staticmethod
    def check_free(folder: Path) -> None:
        """Refuses a folder of something else, before anything is put there."""
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f'--out={str(folder)!r} is a file: name a folder')
        from ..datasets.kept import others_in

        ours = OURS + LATER if (folder / CONFIG).is_file() else OURS
        names = [entry.name for entry in folder.iterdir()] if folder.exists() else []
        others = [name for name in names if name.removesuffix(PART) not in ours]  # a kill may leave a part
        if (folder / FRAMES).is_dir() and others_in(folder / FRAMES):  # anyone's folder may have that name
            others.append(FRAMES)
        if others and not (folder / STATE).is_file():
            raise ConfigError(
                f'--out={str(folder)!r} is a folder with other things in it ({", ".join(sorted(others)[:3])}): '
                'name a new one'
            )

    @staticmethod
    def read(folder: Path) -> dict[str, Any]:
        """The state of the run in a folder: ``folder``, ``arguments`` and ``stages``.

        Raises:
            ConfigError: If it cannot be read.
        """
        path = folder / STATE
        try:
            state = json.loads(path.read_text(encoding='utf-8'))
            return dict(folder=state['folder'], arguments=dict(state['arguments']), stages=dict(state['stages']))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f'{str(path)!r} cannot be read as the state of a run ({type(error).__name__}); delete it and give '
                'the same arguments: trainings go on from their checkpoints'
            ) from error

    def _write(self) -> None:
        with open_whole(self.path, 'w') as file:
            json.dump(self.state, file, indent=1)

    def first_stage(self, name: str, title: str, work: Callable[[], Any]) -> Any:
        """As :meth:`stage`, but done again until something has trained: after a dry run data are mended.

        If it then gives something else, what was made of it before goes: the other stages, and the configs.
        """
        if self.has_trained() or name not in self.state['stages']:
            return self.stage(name, title, work)
        before = self.state['stages'].pop(name)
        result = self.stage(name, title, work)
        if result != before['result']:
            print('warning: that is other than before: all configs are written anew', flush=True)
            self.state['stages'] = {name: self.state['stages'][name]}
            self._remove_configs()
            self._write()
        return result

    def stage(self, name: str, title: str, work: Callable[[], Any]) -> Any:
        """Does a stage unless it is done, and notes what it gave.

        Args:
            name: Its name in the state.
            title: What the user reads.
            work: Does it, and gives what JSON can hold.
        """
        if name in self.state['stages']:
            print(f'== {title}: done before', flush=True)
            return self.state['stages'][name]['result']
        print(f'== {title}', flush=True)
        begin = time.monotonic()
        result = work()
        self.state['stages'][name] = dict(result=result, seconds=round(time.monotonic() - begin, 1))
        self._write()
        return result


def run_tool(script: str, *arguments: Any, processes: int = 1) -> None:
    """Runs a tool of the repository in a process of its own, so that it leaves nothing behind.

    Args:
        script: Its name (``train``).
        arguments: Its command line.
        processes: How many of it run together, by torchrun.

    Raises:
        StageError: If it fails; what it printed ends with its own error.
    """
    command = command_of(script, *arguments)
    if processes > 1:
        launch = ['--nnodes=1', '--rdzv-backend=c10d', '--rdzv-endpoint=localhost:0', f'--nproc_per_node={processes}']
        command = command_of('torchrun', *launch, *command[1:], '--launcher', 'pytorch')
    env = environment(PYTHONWARNINGS='ignore')
    with subprocess.Popen(
        command, env=env, stderr=subprocess.PIPE, close_fds=False, preexec_fn=end_with_parent
    ) as child:
        words = _LastWords(child.stderr)
        try:
            code = child.wait()
        except BaseException as error:  # Ctrl-C reaches the child, too, and it says its last; it must not go on alone
            if isinstance(error, Terminated):
                child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(PATIENCE)
            child.terminate()
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
            with suppress(OSError, AttributeError):  # no room, no reader, none at all: the process waits for no print
                sys.stderr.buffer.write(chunk) if hasattr(sys.stderr, 'buffer') else sys.stderr.write(chunk.decode())
                sys.stderr.flush()
            end = (end + chunk)[-4096:]
        lines = [line for line in end.decode(errors='replace').replace('\r', '\n').split('\n') if line.strip()]
        self.line = lines[-1].strip() if lines else ''


def parse_time(text: str) -> float:
    """Seconds of ``90m``, ``2h``, ``1d`` or ``1h30m``.

    Raises:
        ConfigError: If it is no time.
    """
    units = dict(s=1, m=60, h=3600, d=86400)
    parts = re.findall(r'(\d+(?:\.\d+)?)([smhd])', text)
    seconds = sum(float(number) * units[unit] for number, unit in parts)
    if not seconds or ''.join(number + unit for number, unit in parts) != text:
        raise ConfigError(f'--time-budget={text!r} is no time such as 90m, 2h or 1h30m')
    return seconds
