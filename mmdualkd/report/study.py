"""What tools/run_study.py noted of a study."""

import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .training import Training, read_training

FILE = 'study.json'
FINISHED = 'finished'
NUMBER = int | float | None
# what is needed of a run, and of a paired difference
RUN = dict(row=str, split=str, seed=int, status=str, top1=NUMBER, work_dir=str)
DIFFERENCE = dict(pairs=int, mean=NUMBER, low=NUMBER, high=NUMBER, sign_p=NUMBER)


@dataclass(frozen=True)
class Study:
    """A study and its runs.

    Attributes:
        folder: Its folder.
        title: What it asks.
        command: The command that ran it.
        machine: Where.
        started: When.
        splits: Names of the columns.
        rows: Names of the rows, without teachers.
        runs: Its trainings, as ``study.json`` has them.
        caches: Caches of teachers' outputs, likewise.
        against: By row and another row the paired difference of top-1, row minus other row: ``pairs``, ``mean``,
            ``low``, ``high`` (points) and ``sign_p``.
    """

    folder: Path
    title: str
    command: str
    machine: str
    started: str
    splits: list[str]
    rows: list[str]
    runs: list[dict[str, Any]]
    caches: list[dict[str, Any]]
    against: dict[str, dict[str, dict[str, float]]]

    def of(self, row: str, split: str | None = None) -> list[dict[str, Any]]:
        """The finished runs of a row (on a split)."""
        return [
            run
            for run in self.runs
            if run['row'] == row and run['status'] == FINISHED and run['top1'] is not None
            if split is None or run['split'] == split
        ]

    def means(self, row: str) -> list[float]:
        """A row's mean over the splits, one for each seed that has finished all of them."""
        by_seed: dict[int, dict[str, float]] = {}
        for run in self.of(row):
            by_seed.setdefault(run['seed'], {})[run['split']] = run['top1']
        return [statistics.mean(found.values()) for found in by_seed.values() if set(found) >= set(self.splits)]

    def training(self, run: dict[str, Any]) -> Training | None:
        """The log of a run; None if it is not there any more."""
        noted = Path(run['work_dir'])
        above = self.folder.resolve().parents  # the study's folder is work_dirs/studies/NAME where it was called
        for folder in (noted, *(parent / noted for parent in above[2:3])):
            try:
                return read_training(folder)
            except ConfigError:
                continue
        return None


def read_study(folder: Path) -> Study:
    """Reads the folder of a study.

    Raises:
        ConfigError: If its notes cannot be read, or no run has finished.
    """
    path = folder / FILE
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
        texts = {name: str(found.get(name, '')) for name in ('title', 'command', 'machine', 'started')}
        names = {name: [str(one) for one in found[name]] for name in ('splits', 'rows')}
        runs = [_checked(run, RUN) for run in found['runs']]
        caches = [_checked(cache, {}) for cache in found.get('caches') or []]
        against = {
            row: {other: _checked(one, DIFFERENCE) for other, one in others.items()}
            for row, others in found['against'].items()
        }
        study = Study(folder, **texts, **names, runs=runs, caches=caches, against=against)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f'{str(path)!r} cannot be read as the notes of a study ({type(error).__name__}: {error}); call '
            'tools/run_study.py again, which writes them anew and trains nothing twice'
        ) from error
    if not any(study.of(row) for row in study.rows):
        statuses = dict.fromkeys(run['status'] for run in runs)
        counts = ', '.join(f'{sum(run["status"] == one for run in runs)} {one}' for one in statuses)
        raise ConfigError(f'{str(folder)!r} is a study without a finished run yet ({counts or "no runs"})')
    return study


def _checked(noted: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """A note that has these fields, each of its type, or the error of one that is not so."""
    for name, kind in fields.items():
        if not isinstance(noted[name], kind):
            raise TypeError(f'{name}={noted[name]!r}')
    return dict(noted)
