"""How long the rest of a study takes."""

import heapq
import statistics
import time
from collections.abc import Mapping, Sequence

from ..machine import in_time
from .runs import Run, by_place

KINDS = (  # what tells how long a training takes, best first
    lambda run: (run.row, run.split),
    lambda run: (run.row,),
    lambda run: (run.teacher,),
)


def time_left(runs: Sequence[Run], begun: Mapping[Run, float], jobs: int) -> str:
    """Estimates the time until the last training ends, in words.

    A training takes what finished ones of its row and split took on average, else those of its row, else all teachers
    or all rows; those times were measured with as many at once as there were then. Trainings start in their order
    whenever one ends, teachers before all rows.

    Args:
        runs: All that are chosen; those that are finished or have failed are not waited for.
        begun: When those that run were begun.
        jobs: How many run at a time.

    Returns:
        ``'12 min left'``, with how many were guessed from others, or that it is not known; ``''`` if nothing is left.
    """
    ahead = [run for run in by_place(runs) if run.state.status in ('running', 'waiting') and not run.state.error]
    if not ahead:
        return ''
    known = [run for run in by_place(runs) if run.state.result and run.state.result.seconds]
    end, guessed, late = 0.0, 0, False
    for stage in ([run for run in ahead if run.teacher], [run for run in ahead if not run.teacher]):
        slots = [end] * jobs
        for run in sorted(stage, key=lambda run: run not in begun):  # those that run have their places
            found = _expected(run, known)
            if found is None:
                return 'time left not known yet'
            seconds, alike = found
            guessed += not alike
            seconds -= time.time() - begun[run] if run in begun else 0
            late |= seconds < 0
            heapq.heappush(slots, heapq.heappop(slots) + max(seconds, 0))
        end = max(slots)
    if late and end < 1:
        return 'time left not known: longer than expected already'
    return f'{in_time(end)} left' + (f' ({guessed} of {len(ahead)} guessed by other rows)' if guessed else '')


def _expected(run: Run, known: Sequence[Run]) -> tuple[float, bool] | None:
    """Seconds that a training takes, and whether its own row says so."""
    for kind in KINDS:
        if like := [one.state.result.seconds for one in known if kind(one) == kind(run)]:
            return statistics.mean(like), kind is not KINDS[-1]
    return None
