"""Every test process has the cures of the stack in place, as every process of a user has."""

import gc
import weakref

import pytest
import quick_configs  # noqa: F401
import torch
from helpers import environment
from mmengine.registry import DefaultScope
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter
from warm import WarmProcess

import mmdualkd  # noqa: F401

torch.set_num_threads(1)  # as ``make test`` has it: a fork of a process with threads of OpenMP hangs


def pytest_collection_finish():
    """What is imported by now stays: collections of garbage, a tenth of the suite's time, pass over it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True, scope='module')
def no_scope_of_another_file():
    """Runners set a default scope for their whole process; the next file's tests begin without one."""
    yield
    DefaultScope._instance_dict.clear()


@pytest.fixture(scope='session')
def without_us():
    """A process that has imported torch and MMEngine, without mmdualkd."""
    process = WarmProcess(environment(), ('torch', 'mmengine.runner'))
    yield process
    process.close()


@pytest.fixture(scope='session')
def with_us():
    """A process that has imported mmdualkd before them."""
    process = WarmProcess(environment(), ('mmdualkd', 'torch', 'mmengine.runner'))
    yield process
    process.close()


@pytest.fixture(scope='session')
def fault_and_cure(without_us, with_us):
    """Checks that source fails with a message without this package, and succeeds after ``import mmdualkd``.

    Gives a function of the source and the message, which returns the output of the cured process.
    """

    def check(code: str, fault: str) -> str:
        done = without_us.run_source(code)
        if not done.returncode:
            pytest.skip(f'the installed packages do not have this fault: {fault!r}')
        assert fault in done.stdout, f'another fault than the one this cure is for: {done.stdout}'
        done = with_us.run_source('import mmdualkd\n' + code)
        assert not done.returncode, done.stdout
        return done.stdout

    return check


@pytest.fixture(autouse=True)
def no_workers_of_another_test():
    """Data loaders' workers end with their test; torch waits five seconds for each that garbage collection ends."""
    yield
    for loader in list(LOADERS):
        loader._shutdown_workers()


LOADERS = weakref.WeakSet()
start = _MultiProcessingDataLoaderIter.__init__
_MultiProcessingDataLoaderIter.__init__ = lambda loader, *args: (LOADERS.add(loader), start(loader, *args))[1]
