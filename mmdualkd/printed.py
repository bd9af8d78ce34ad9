"""A command whose output can be written no more: nobody reads on, or the disk is full."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

UNREAD = 128 + signal.SIGPIPE  # what a shell says of a program that ends because nobody reads on
INTERRUPTED = 128 + signal.SIGINT  # and of one that was interrupted


@contextmanager
def printed() -> Iterator[None]:
    """Ends a command without a word where nobody reads on (``head``), with one line where its output has no room.

    Raises:
        SystemExit: If what was printed inside cannot be written.
    """
    try:
        try:
            yield
        except SystemExit:
            sys.stdout.flush()
            raise
        sys.stdout.flush()
    except OSError as error:
        if error.filename is not None or not _refuses():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python tells at its end of what it could not print
        unread = isinstance(error, BrokenPipeError)
        raise SystemExit(UNREAD if unread else f'OSError: the output cannot be written: {error.strerror}') from None


def _refuses() -> bool:
    """Whether the output takes no line more; what it refused before, it has forgotten."""
    try:
        print(flush=True)
    except OSError:
        return True
    return False
