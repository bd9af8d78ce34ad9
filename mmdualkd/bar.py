"""How far long work is: a bar in a terminal, elsewhere a line now and then."""

import contextlib
import datetime
import functools
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

FIRST, PAUSE = 5, 30  # seconds to the first line, and between two


@contextlib.contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Shows on stderr how far work is, and the time that is left.

    Args:
        total: Things that are to be done.
        what: What is done with them, as in ``reading``.

    Yields:
        What takes the number of things that were done since it was called last.
    """
    console = _Console(stderr=True)
    if sys.stderr.isatty() and not console.is_dumb_terminal:  # where rich would show nothing
        columns = TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        plain = dict(redirect_stdout=False, redirect_stderr=False)  # worker processes would inherit their locks
        with Progress(*columns, console=console, transient=True, **plain) as bar:
            yield functools.partial(bar.advance, bar.add_task(what, total=total))
    else:
        yield _Lines(total, what)


class _Console(Console):
    """Leaves the cursor visible: a process that is killed while it shows a bar would leave it hidden."""

    def show_cursor(self, show: bool = True) -> bool:
        return False


class _Lines:
    """A line on stderr every :data:`PAUSE` seconds, the first one sooner."""

    def __init__(self, total: int, what: str) -> None:
        self.total, self.what, self.done = total, what, 0
        self.began = time.monotonic()
        self.next = self.began + FIRST

    def __call__(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if now >= self.next and self.done < self.total:
            self.next = now + PAUSE
            left = datetime.timedelta(seconds=round((now - self.began) / self.done * (self.total - self.done)))
            print(f'{self.what}: {self.done:,} of {self.total:,}, {left} left', file=sys.stderr, flush=True)
