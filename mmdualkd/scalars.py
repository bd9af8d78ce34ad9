"""What MMEngine logs of a training: an object of JSON a line, a file a session; and the head of the log beside it."""

import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

LOGS = '*/vis_data/scalars.json'  # in a work directory; folders are named by the time at which they begin
METRICS = {'acc/top1': 100, 'accuracy/top1': 1}  # MMAction2's and MMPretrain's, and what makes them percent
HEADER = 200  # lines of a log in which MMEngine tells of the machine
TOLD = ('sys.platform', 'Python', 'CUDA available', 'CPU capability usage', 'PyTorch', 'MMEngine', 'seed')


def logs_of(work_dir: Path) -> list[Path]:
    """The logs of all sessions of a training, in order."""
    return sorted(work_dir.glob(LOGS))


def read_log(log: Path) -> list[dict[str, Any]]:
    """The entries of a log."""
    return json_lines(log.read_text(encoding='utf-8', errors='replace'))


def machine_of(log: Path) -> dict[str, str]:
    """What the head of a session's ``.log`` tells of machine, versions and seed: those of ``TOLD``, and ``GPU``."""
    found: dict[str, str] = {}
    gpus: dict[str, None] = {}
    with log.open(encoding='utf-8', errors='replace') as file:
        for line in islice(file, HEADER):
            name, _, value = line.strip(' -\n').partition(': ')
            if re.fullmatch(r'GPU [\d,]+', name):  # of each kind, with the numbers that it has
                gpus[value] = None
            elif name in TOLD and value:
                found.setdefault(name, value)
    return {**found, **({'GPU': ' and '.join(gpus)} if gpus else {})}


def json_lines(text: str) -> list[dict[str, Any]]:
    """The lines that are objects of JSON; others, and one that a kill has cut short, are passed over."""
    found = []
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


def top1_of(entry: dict[str, Any]) -> float | None:
    """Top-1 in percent; None where there is none."""
    return next((scale * entry[name] for name, scale in METRICS.items() if name in entry), None)
