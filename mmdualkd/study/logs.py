"""What the logs of a finished training say: its accuracy and how long its steps took."""

import statistics
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from ..names import UNDECODED
from ..scalars import METRICS, logs_of, machine_of, read_log, top1_of


@dataclass(frozen=True)
class Result:
    """A finished training.

    Attributes:
        top1: Last validation top-1 in percent.
        seconds: How long it took, all its sessions together; None where a kill kept that from being noted.
        step_seconds: Median time of a step; None where the log has a single interval.
        data_seconds: Median time of a step that waits for data.
        undecoded: Samples of that validation that did not decode, and were scored as blanks.
        machines: What its sessions trained on, as far as it decides how sums are rounded (GPU, or the CPU's
            instructions, and torch); those whose logs tell.
    """

    top1: float
    seconds: float | None
    step_seconds: float | None
    data_seconds: float | None
    undecoded: int = 0
    machines: tuple[str, ...] = ()


def read_result(who: str, work_dir: Path, seconds: float | None) -> Result:
    """Reads the logs of a training, of all sessions in which it went on.

    The last validation counts. Of each session's steps the first logged interval is left out, in which workers start
    and memory is found.

    Args:
        who: The training, for errors.
        work_dir: Its work directory.
        seconds: How long it took.

    Raises:
        DataError: If there is no validation, or the last one is missing.
    """
    top1, steps, undecoded, cut, machines = None, [], 0, None, []
    for log in logs_of(work_dir):
        entries = read_log(log)
        for entry in entries:
            undecoded = int(entry.get(UNDECODED, undecoded))  # a line behind the validation's
            cut = log if 'loss' in entry else cut  # a training ends with a validation
            if (found := top1_of(entry)) is not None:
                top1, undecoded, cut = found, 0, None
        machines += _machine_of(log.parents[1]) if any('loss' in entry for entry in entries) else []
        steps += [entry for entry in entries if 'loss' in entry and 'time' in entry][1:]
    if top1 is None:
        raise DataError(f'{who}: {str(work_dir)!r} is finished, but its logs have no {" or ".join(METRICS)}')
    if cut is not None:
        raise DataError(f'{who}: {str(cut)!r} is cut short, the last validation is missing')
    times = [_median([entry[name] for entry in steps if name in entry]) for name in ('time', 'data_time')]
    return Result(top1, seconds, *times, undecoded, tuple(dict.fromkeys(machines)))


def _machine_of(session: Path) -> list[str]:
    """What a session's sums are rounded by: its GPU, else the CPU's instructions, and torch; nothing if none tells."""
    try:
        told = machine_of(session / f'{session.name}.log')
    except OSError:
        return []
    cpu = told.get('CPU capability usage')
    device = told.get('GPU') or (cpu and f'CPU with {cpu}')
    return [f'{device}, torch {told.get("PyTorch")}'] if device else []


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None
