"""What the tests share: tiny videos, and processes with the tools in them."""

import atexit
import copy
import functools
import os
import pty
import resource
import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from warm import WarmProcess

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / 'tools'
COMMAND = ROOT / 'tests' / 'command.py'  # `mmdualkd`
FOURCCS = {'MJPG.avi': 'MJPG', 'mp4v.mp4': 'mp4v', 'XVID.avi': 'XVID', 'VP80.webm': 'VP80'}

# For processes without this package: where torchvision was built for another torch, the cure by hand.
MEND_TORCHVISION = """
try:
    import torchvision
except RuntimeError:
    import sys, torch
    for name in [name for name in sys.modules if name.startswith('torchvision.')]:
        del sys.modules[name]
    library = torch.library.Library('torchvision', 'DEF')
    library.define('nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
    library.define('qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
"""

HANGS = 600  # seconds; processes that wait for one another would wait for ever


def write_clips(folder: Path, classes: int = 2, per_class: int = 4, frames: int = 12, size: int = 32) -> Path:
    """Writes tiny labelled videos in MMAction2's layout.

    Class k shows a bright square that moves in direction k (of ``classes`` around the circle) over noise.

    Args:
        folder: Where the videos and ``annotation.txt`` (lines ``name label``) go.
        classes: Number of classes.
        per_class: Videos of each class.
        frames: Frames of each video, at 30 a second.
        size: Height and width in pixels.

    Returns:
        The path of ``annotation.txt``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    lines = []
    for label in range(classes):
        angle = 2 * np.pi * label / classes
        step = 0.5 * size / frames * np.array([np.sin(angle), np.cos(angle)])
        for index in range(per_class):
            name = f'class{label}_{index}.avi'
            writer = cv2.VideoWriter(str(folder / name), cv2.VideoWriter_fourcc(*'MJPG'), 30, (size, size))
            assert writer.isOpened(), 'this OpenCV cannot write MJPG'
            start = size / 2 + rng.uniform(-2, 2, 2) - step * frames / 2
            for frame in range(frames):
                picture = rng.integers(0, 60, (size, size, 3), dtype=np.uint8)
                y, x = (start + step * frame).round().astype(int)
                picture[max(y - 4, 0) : y + 4, max(x - 4, 0) : x + 4] = 220
                writer.write(picture)
            writer.release()
            lines.append(f'{name} {label}\n')
    annotation = folder / 'annotation.txt'
    annotation.write_text(''.join(lines))
    return annotation


def read_config(path: Path) -> Config:
    """A config of this repository, which a test process reads once; the copy is the caller's own."""
    return copy.deepcopy(_read(path))


@functools.cache
def _read(path: Path) -> Config:
    return Config.fromfile(path)


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file of this process can grow beyond ``size`` bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def environment(*paths: Path) -> dict[str, str]:
    """The environment of a process that finds this package (or only ``paths``), with one thread."""
    python_path = os.pathsep.join(map(str, paths or (ROOT, ROOT / 'tests')))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
    return {**os.environ, 'PYTHONPATH': python_path, 'PATH': path, 'OMP_NUM_THREADS': '1', 'MKL_NUM_THREADS': '1'}


@functools.cache
def warm_process() -> WarmProcess:
    """The one warm process of this test process; it ends with it."""
    process = WarmProcess(environment())
    atexit.register(process.close)
    return process


def one_of_two() -> dict[str, str] | None:
    """The environment in which one process computes as each of two does, see :func:`two_processes`; None for any."""
    if torch.cuda.device_count() < 2:  # one GPU is not enough for two
        return {**environment(), 'CUDA_VISIBLE_DEVICES': ''} if torch.cuda.is_available() else None
    return {**environment(), 'NVIDIA_TF32_OVERRIDE': '0'}  # rounding of ten bits depends on the size of the batch


def two_processes() -> dict[str, str]:
    """The environment of the launch scripts for two processes: over NCCL where there are two GPUs, else over gloo."""
    return {**(one_of_two() or environment()), 'PORT': free_port()}


def process(
    *command: object, cwd: Path | None = None, env: dict[str, str] | None = None, fresh: bool = False
) -> subprocess.CompletedProcess:
    """Runs a command to its end.

    A file of ``tools/``, or :data:`COMMAND`, in the default environment is run by a fork of a process that has imported
    the stack already, see :mod:`warm`, except where there is a GPU, which does not survive a fork; everything else by a
    new process.

    Args:
        *command: The words of the command; a first word that ends in ``.py`` is run by this Python.
        cwd: Where it runs.
        env: Its environment, default :func:`environment`.
        fresh: Whether a tool must be run by a new process as well, as a user runs it.

    Returns:
        What ``subprocess.run`` gives; ``stdout`` is its output and errors together.
    """
    words = [str(word) for word in command]
    known = words[0].endswith('.py') and (TOOLS in Path(words[0]).parents or words[0] == str(COMMAND))
    if known and not (env or fresh or torch.cuda.is_available()):
        return warm_process().run(words, str(cwd or Path.cwd()), environment())
    if words[0].endswith('.py'):
        words.insert(0, sys.executable)
    return subprocess.run(
        words,
        cwd=cwd,
        env=env or environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=HANGS,
    )


def run(*command: object, ok: bool = True, **kwargs) -> str:
    """Runs a command, see :func:`process`, and checks how it ends.

    Args:
        *command: Its words.
        ok: Whether it must succeed (True) or fail (False).
        **kwargs: As for :func:`process`.

    Returns:
        Its output and errors together.
    """
    done = process(*command, **kwargs)
    assert (done.returncode == 0) == ok, f'{done.args} ended with {done.returncode}:\n{done.stdout[-6000:]}'
    return done.stdout


def call(tool: str, *words: object) -> None:
    """Runs a file of ``tools/`` in this process, where a test can change what it meets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', [tool, *map(str, words)])
        runpy.run_path(str(TOOLS / tool), run_name='__main__')


def run_in_two(tool: Path, *command: object) -> str:
    """Runs a tool in two processes of one job, without the launch scripts where there is no GPU: by two forks.

    Args:
        tool: A file of ``tools/`` that takes ``--launcher``.
        *command: The words after its name, as for one process.

    Returns:
        The output of the first of them.
    """
    words = [str(word) for word in (tool, *command[:1], '--launcher', 'pytorch', *command[1:])]
    if torch.cuda.is_available():
        env = two_processes()
        return run('torchrun', '--nproc_per_node=2', f'--master_port={env["PORT"]}', *words, env=env)
    job = dict(environment(), WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=free_port())
    ranks = [dict(job, RANK=str(rank), LOCAL_RANK=str(rank)) for rank in range(2)]
    done = warm_process().run_together(words, str(Path.cwd()), ranks)
    assert not any(one.returncode for one in done), '\n'.join(one.stdout[-3000:] for one in done)
    return done[0].stdout


def run_code(code: str, *, ok: bool = True, **kwargs) -> str:
    """Runs Python source in a fresh process; see :func:`run`."""
    return run(sys.executable, '-c', code, ok=ok, **kwargs)


def shown_by(tool: Path, *words: object) -> str:
    """Runs a tool, whose errors go to a terminal; gives what that shows."""
    terminal, stderr = pty.openpty()
    command, shown = [sys.executable, str(tool), *map(str, words)], b''
    quiet = dict(stdout=subprocess.DEVNULL, stderr=stderr, env=environment())
    with subprocess.Popen(command, **quiet) as process, suppress(OSError):
        os.close(stderr)
        while part := os.read(terminal, 4096):  # an error where the tool has ended
            shown += part
    os.close(terminal)
    assert process.returncode == 0, shown.decode()
    return shown.decode()


def free_port() -> str:
    """A port of this machine that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return str(sock.getsockname()[1])


def without_random_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets models of full size be built without their initial weights, which are seconds of random numbers."""
    for name in ('kaiming_uniform_', 'kaiming_normal_', 'normal_', 'uniform_', 'trunc_normal_', 'xavier_uniform_'):
        monkeypatch.setattr(torch.nn.init, name, lambda tensor, *args, **kwargs: tensor)


def wait_for(condition: Callable[[], bool]) -> None:
    """Waits until something is so."""
    end = time.monotonic() + HANGS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def gone(pid: int) -> bool:
    """Whether a process ends within half a minute."""
    for _ in range(600):
        state = Path(f'/proc/{pid}/status')
        if not state.exists() or 'zombie' in state.read_text():
            return True
        time.sleep(0.05)
    return False


def write_noise(folder, name, frames=60, size=(96, 64)):
    """A video that OpenCV writes, of a square that moves over noise."""
    rng = np.random.default_rng(0)
    path = folder / name
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*FOURCCS[name]), 25, size)
    assert writer.isOpened()
    for frame in range(frames):
        picture = rng.integers(0, 80, (size[1], size[0], 3), dtype=np.uint8)
        picture[8:40, frame : frame + 24] = 230
        writer.write(picture)
    writer.release()
    return path
