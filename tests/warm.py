"""A process that has imported the stack once, and forks itself for every tool that a test runs.

Most of a tiny job's time is the import of torch and OpenMMLab. The warm process imports ``mmdualkd`` and what others
published, in a tool's order, and nothing of ours beyond that. Each run is a fork of it, so none sees what another did:
no runner, default scope, logger or message hub has been there yet, and random states are drawn anew. The fork
takes over directory, environment, ``sys.argv`` and ``sys.path`` and runs the tool as ``__main__``. Whatever ends it
(``SystemExit``, an error, ``atexit``, a signal) ends a process, so exit code and output are those of
``subprocess.run``.

What it cannot show: a tool that forgets to import something, and environment variables that Python or a library reads
when it is imported. For these there are real processes (``fresh=True`` in ``helpers.process``).
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

STACK = (
    'mmdualkd',
    'torch',
    'mmengine.runner',
    'pkg_resources',
    'mmcv',
    'decord',
    'matplotlib.pyplot',
    *(f'mmaction.{room}' for room in ('apis', 'datasets', 'engine', 'evaluation', 'models', 'visualization')),
    *(f'mmpretrain.{room}' for room in ('datasets', 'engine', 'evaluation', 'models', 'visualization')),
)


class WarmProcess:
    """The client's side.

    Args:
        env: Environment in which the stack is imported, with one thread: forks of a process with more would hang.
        stack: The modules that it imports, in order.
    """

    def __init__(self, env: dict[str, str], stack: tuple[str, ...] = STACK) -> None:
        words = [sys.executable, __file__, *stack]
        self.env = env
        self.server = subprocess.Popen(words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, words: list[str], cwd: str, env: dict[str, str]) -> subprocess.CompletedProcess:
        """Runs a Python file with its arguments to its end; ``stdout`` is output and errors together."""
        return self.run_together(words, cwd, [env])[0]

    def run_source(self, code: str) -> subprocess.CompletedProcess:
        """Runs Python source in this process's environment."""
        with tempfile.NamedTemporaryFile('w', suffix='.py') as script:
            script.write(code)
            script.flush()
            return self.run([script.name], str(Path.cwd()), self.env)

    def run_together(self, words: list[str], cwd: str, envs: list[dict[str, str]]) -> list[subprocess.CompletedProcess]:
        """The same at once in each of some environments; once one has failed, the others are ended too."""
        with contextlib.ExitStack() as stack:
            outputs = [stack.enter_context(tempfile.NamedTemporaryFile('r')) for _ in envs]
            requests = [
                dict(words=words, cwd=cwd, env=env, output=output.name)
                for env, output in zip(envs, outputs, strict=True)
            ]
            self.server.stdin.write(json.dumps(requests) + '\n')
            self.server.stdin.flush()
            reply = self.server.stdout.readline()
            assert reply, 'the warm process has ended; its errors are on stderr'
            return [
                subprocess.CompletedProcess(words, code, output.read())
                for code, output in zip(json.loads(reply), outputs, strict=True)
            ]

    def close(self) -> None:
        """Ends the process."""
        self.server.stdin.close()
        self.server.wait()


def next_run() -> dict | None:
    """Forks for every request; gives the request in the fork, and None in the warm process once nobody asks."""
    for line in sys.stdin:
        forks, codes = [], {}
        for request in json.loads(line):
            forks.append(os.fork())
            if not forks[-1]:
                return request
        while len(codes) < len(forks):
            pid, status = os.wait()
            codes[pid] = os.waitstatus_to_exitcode(status)
            for other in forks if codes[pid] else ():
                if other not in codes:
                    os.kill(other, signal.SIGTERM)
        print(json.dumps([codes[pid] for pid in forks]), flush=True)
    return None


def become(words: list[str], cwd: str, env: dict[str, str], output: str) -> None:
    """Makes a fork what a new process for ``words`` would be."""
    import numpy as np
    import torch
    from mmengine.logging import MMLogger

    out, nothing = os.open(output, os.O_WRONLY | os.O_APPEND), os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(source, target)
    os.close(out)
    os.close(nothing)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv, sys.path[0] = words, str(Path(words[0]).resolve().parent)
    importlib.invalidate_caches()
    np.random.seed()
    torch.seed()
    MMLogger._instance_dict.clear()  # MMAction2's UniFormer makes one when it is imported


def leave() -> None:
    """Ends a fork without taking the imported stack apart, which takes longer than most runs."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


if __name__ == '__main__':
    exit_code = 0
    atexit.register(leave)  # the first to be registered is the last to be called
    path = [os.devnull, *sys.path[1:]]  # the first is the place of the tool's folder
    sys.path[:] = path
    gc.disable()
    for name in sys.argv[1:]:
        importlib.import_module(name)
    sys.path[:] = path  # pkg_resources adds to it
    gc.enable()
    gc.freeze()  # a collection in a fork would copy all of it
    if request := next_run():
        become(**request)
        exit_code = 1
        try:
            runpy.run_path(sys.argv[0], run_name='__main__')
            exit_code = 0
        except SystemExit as error:
            if error.code is None or isinstance(error.code, int):
                exit_code = error.code or 0
            raise
