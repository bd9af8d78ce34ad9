"""What MMEngine logs of a training: an object of JSON a line, a file a session."""

import json
from pathlib import Path
from typing import Any

LOGS = '*/vis_data/scalars.json'  # in a work directory; folders are named by the time at which they begin
METRICS = {'acc/top1': 100, 'accuracy/top1': 1}  # MMAction2's and MMPretrain's, and what makes them percent


def logs_of(work_dir: Path) -> list[Path]:
    """The logs of all sessions of a training, in order."""
    return sorted(work_dir.glob(LOGS))


def read_log(log: Path) -> list[dict[str, Any]]:
    """The entries of a log."""
    return json_lines(log.read_text(encoding='utf-8', errors='replace'))


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
