"""torchrun, with the flags of ``python -m torch.distributed.run``; its last line is the error that ended the processes.

``dist_train.sh`` and ``dist_test.sh`` call it. What torchrun itself logs is shown where ``LOGLEVEL`` asks for it.
"""

import json
import logging
import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path

from torch.distributed import DistNetworkError
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.run import main

OURS = 'mmdualkd.errors.'
OF_PEERS = re.compile(r'onnection (closed|reset)|DistBackendError|\bgloo\b|NCCL', re.IGNORECASE)


def last_words(report: ChildFailedError) -> str:
    """What ended the first process to fail: one line, after the traceback where this package did not know the error."""
    rank, failure = min(report.failures.items(), key=lambda item: (*_order(item[1]), item[0]))
    message, trace = _told(failure)
    if message is None:
        died = f'was killed ({failure.signal_name()})' if failure.exitcode < 0 else f'ended with {failure.exitcode}'
        why = ", mostly for want of the machine's memory" if failure.exitcode == -9 else ''
        return f'process {rank} {died}{why}; it has told no error beyond what stands above'
    if trace.strip().rpartition('\n')[2].startswith(OURS):
        return message
    return f'process {rank}:\n{trace.strip()}'


def pass_over_torn_files() -> None:
    """A process that is ended while it writes down its error leaves a file that torchrun itself would fail over."""
    read = ProcessFailure.__post_init__

    def read_if_whole(failure: ProcessFailure) -> None:
        with suppress(OSError):
            try:
                json.loads(Path(failure.error_file).read_text())
            except ValueError:
                failure.error_file = ''
        read(failure)

    ProcessFailure.__post_init__ = read_if_whole


def _told(failure: ProcessFailure) -> tuple[str | None, str]:
    """An error's type and message as its process has told it, and its traceback; None if the process told nothing."""
    data = failure.error_file_data.get('message')
    told = isinstance(data, dict) and 'extraInfo' in data
    return (data['message'], data['extraInfo']['py_callstack']) if told else (None, '')


def _order(failure: ProcessFailure) -> tuple[int, int]:
    """Causes first: then what a process says whose peer has gone, then those that torchrun itself has ended."""
    last = _told(failure)[1].strip().rpartition('\n')[2]
    return 2 if failure.exitcode == -signal.SIGTERM else int(bool(OF_PEERS.search(last))), failure.timestamp


def unmet(error: DistNetworkError) -> str:
    """Why the processes did not come together, in one line."""
    text = str(error).strip().partition('\n')[0]
    if 'EADDRINUSE' in text:
        return f'{text}: another program of this machine (a second training?) has that port; set PORT to a free one'
    return f'{text}: MASTER_ADDR and PORT must be those of the first machine (NODE_RANK=0), where the same command runs'


if __name__ == '__main__':
    if 'LOGLEVEL' not in os.environ:
        logging.disable(logging.ERROR)
    pass_over_torn_files()
    try:
        main()
    except ChildFailedError as report:
        sys.exit(last_words(report))
    except DistNetworkError as error:
        sys.exit(unmet(error))
    except SignalException as end:
        print(f'Interrupted ({end.sigval.name}); the last checkpoint is where --resume goes on from', file=sys.stderr)
        sys.exit(128 + end.sigval)
