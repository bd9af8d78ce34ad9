"""Every test process has the cures of the stack in place, as every process of a user has."""

import functools
import tempfile
import weakref
from pathlib import Path

import pytest
import unformatted  # noqa: F401
from helpers import environment, run_code
from mmengine.registry import DefaultScope
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter
from warm import WarmProcess

import mmdualkd  # noqa: F401


@pytest.fixture(autouse=True, scope='module')
def no_scope_of_another_file():
    """Runners set a default scope for their whole process; the next file's tests begin without one."""
    yield
    DefaultScope._instance_dict.clear()


@pytest.fixture(scope='session')
def fault_and_cure():
    """The function below, with a process that has imported torch and MMEngine, without mmdualkd, for the faults."""
    plain = WarmProcess(environment(), ('torch', 'mmengine.runner'))
    yield functools.partial(_fault_and_cure, plain)
    plain.close()


def _fault_and_cure(plain: WarmProcess, code: str, fault: str) -> str:
    """Checks that ``code`` fails with the message ``fault`` alone, and succeeds after ``import mmdualkd``.

    Returns:
        The output of the cured process.
    """
    with tempfile.NamedTemporaryFile('w', suffix='.py') as script:
        script.write(code)
        script.flush()
        done = plain.run([script.name], str(Path.cwd()), environment())
    if not done.returncode:
        pytest.skip(f'the installed packages do not have this fault: {fault!r}')
    assert fault in done.stdout, f'another fault than the one this cure is for: {done.stdout}'
    return run_code('import mmdualkd\n' + code)


@pytest.fixture(autouse=True)
def no_workers_of_another_test():
    """Data loaders' workers end with their test; torch waits five seconds for each that garbage collection ends."""
    yield
    for loader in list(LOADERS):
        loader._shutdown_workers()


LOADERS = weakref.WeakSet()
start = _MultiProcessingDataLoaderIter.__init__
_MultiProcessingDataLoaderIter.__init__ = lambda loader, *args: (LOADERS.add(loader), start(loader, *args))[1]
