"""Tools of the repository in processes of their own, which end with the command that started them."""

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from .errors import ConfigError

PATIENCE = 20  # seconds that an interrupted tool has to end by itself
LOCK = '.lock'
TRAINING = '.training'  # names the process that trains in a work directory
HELD = (errno.EACCES, errno.EAGAIN)  # by another process; other errors are of file systems without locks
TOOLS = Path(__file__).parent / '.mim' / 'tools'


def command_of(script: str, *arguments: Any) -> list[str]:
    """The command line of a tool.

    Args:
        script: Its name (``train``).
        arguments: Its arguments.
    """
    return [sys.executable, str(TOOLS / f'{script}.py'), *map(str, arguments)]


def environment(**others: Any) -> dict[str, str]:
    """The environment of a tool, in which it finds this package, and ``others`` beside."""
    package = str(Path(__file__).parents[1])
    paths = [package, *filter(None, [os.environ.get('PYTHONPATH')])]
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(paths), **{name: str(value) for name, value in others.items()}}


def end_with_parent() -> None:
    """Lets Linux end a child with its parent, so that a killed command does not train on unseen.

    It goes by the thread that starts the child: that one has to live as long.
    """
    if sys.platform == 'linux':
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


@contextmanager
def locked(folder: Path, key: str = '--out') -> Iterator[IO[str]]:
    """Keeps a second command from working in the same folder.

    Args:
        folder: The folder.
        key: What names it, for errors.

    Yields:
        The lock's file; a child that inherits it holds the lock, too.

    Raises:
        ConfigError: If another command works there, or the lock's file is not ours to write.
    """
    with _opened(folder, LOCK, 'w', key) as file:
        os.set_inheritable(file.fileno(), True)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in HELD:
                raise ConfigError(f'{key}={str(folder)!r}: another command is working there; wait for it') from error
        yield file


def _opened(folder: str | Path, name: str, mode: str, key: str) -> IO[str]:
    try:
        return Path(folder, name).open(mode)
    except OSError as error:  # of another user's, in a folder that both may write
        raise ConfigError(f'{key}={str(folder)!r} cannot be written: {error.strerror} ({error.filename})') from error


@contextmanager
def training_in(work_dir: str | Path) -> Iterator[None]:
    """Keeps a second training from writing its checkpoints over those of the first, on any machine that sees both.

    Unlike :func:`locked`'s it is the process's own: workers that outlive a killed training do not hold it.

    Raises:
        ConfigError: If another process trains there; names it. Or if the lock's file is not ours to write.
    """
    with _opened(work_dir, TRAINING, 'a+', 'work_dir') as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in HELD:
                file.seek(0)
                raise ConfigError(
                    f'work_dir={str(work_dir)!r}: another training is writing there ({file.read().strip()}): name '
                    'another --work-dir, or wait for it'
                ) from error
        file.truncate(0)
        file.write(f'process {os.getpid()} on {socket.gethostname()}')
        file.flush()
        yield


class Tool:
    """A tool that runs beside others, in a process group of its own.

    Args:
        script: Its name (``train``).
        arguments: Its command line.
        log: The file for its output and errors.
        threads: CPU threads.
        locks: Files of locks that it holds as long as it lives.
        env: What its environment has beside ours.
    """

    def __init__(
        self,
        script: str,
        arguments: Sequence[Any],
        log: Path,
        threads: int,
        locks: Sequence[IO] = (),
        env: Mapping[str, Any] | None = None,
    ) -> None:
        self.log = log
        env = environment(OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads, **(env or {}))
        with log.open('w') as output:
            self.process = subprocess.Popen(
                command_of(script, *arguments),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                pass_fds=[lock.fileno() for lock in locks],
                start_new_session=True,
                preexec_fn=end_with_parent,
            )

    def code(self) -> int | None:
        """Its exit code, minus the signal that ended it; None while it runs."""
        return self.process.poll()

    def wait(self) -> int:
        """Waits for its end; an error in between (an interruption, for one) ends it, too."""
        try:
            return self.process.wait()
        except BaseException:
            end_all([self])
            raise

    @property
    def error(self) -> str:
        """What is known of its failure, in one line: what killed it, the last line of its output, and where that is."""
        lines = [line.strip() for line in self.log.read_text(errors='replace').replace('\r', '\n').split('\n')]
        last = next((line for line in reversed(lines) if line), 'no output')
        code = self.code() or 0
        killed = f'ended by {signal.Signals(-code).name} after ' if code < 0 else ''
        return f'{killed}{last} ({self.log})'


def end_all(tools: Sequence[Tool]) -> None:
    """Ends tools with all that they started; those that do not end by themselves are killed."""
    for sign, patience in ((signal.SIGTERM, PATIENCE), (signal.SIGKILL, None)):
        alive = [tool.process for tool in tools if tool.code() is None]
        for process in alive:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
        for process in alive:
            with suppress(subprocess.TimeoutExpired):
                process.wait(patience)


class Terminated(KeyboardInterrupt):
    """SIGTERM, which unlike Ctrl-C does not reach what this process runs."""


@contextmanager
def sigterm_as_interruption() -> Iterator[None]:
    """Lets SIGTERM do what Ctrl-C does, so that what runs is ended and noted."""

    def interrupt(*_: Any) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
