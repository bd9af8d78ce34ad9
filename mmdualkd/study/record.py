"""What a study writes: ``study.json`` and ``table.csv`` after each training, the table at the end."""

import datetime
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from ..files import open_whole
from ..machine import processor
from .comparison import compare
from .runs import Run
from .table import machines_told, markdown, write_csv

CACHE = ('path', 'records', 'bytes', 'seconds')  # what is noted of a cache


class Record:
    """The files in a study's folder.

    Args:
        study: The study's file.
        runs: All of its trainings.
        folder: The folder; what an earlier command noted there of caches and failures is taken over.
        against: Rows that all are compared with.
        words: The command line.
    """

    def __init__(
        self, study: Config, runs: Sequence[Run], folder: Path, against: Sequence[str], words: Sequence[str]
    ) -> None:
        self.runs, self.folder, self.against = runs, folder, list(against)
        before = self._before()
        by_place = before.get('runs', {})
        for run in runs:
            noted = by_place.get(str(run.work_dir), {})
            if run.state.status == 'finished':
                cache = noted['cache'] if 'cache' in noted else _cache_of(run)
                run.state.cache = cache and Path(cache)
            elif noted.get('status') == 'failed':
                run.state.status, run.state.error = 'failed', noted.get('error')
        self.head = dict(
            title=study.title,
            command=shlex.join(words),
            machine=f'{processor()}, torch {torch.__version__}',
            started=before.get('started', datetime.datetime.now().astimezone().isoformat(timespec='seconds')),
            splits=list(study.splits),
            rows=[row['name'] for row in study.rows],
            teachers=[row['name'] for row in study.get('teachers', [])],
        )
        self.mixed = machines_told(runs) is not None
        self.caches: dict[str, dict[str, Any]] = before.get('caches', {})

    def _before(self) -> dict[str, Any]:
        """What was noted: its start, runs by work directory, caches by path; nothing, and a word, of no record."""
        path = self.folder / 'study.json'
        try:
            found = json.loads(path.read_text(encoding='utf-8'))
            runs = {run['work_dir']: dict(run) for run in found['runs']}
            caches = {one['path']: {name: one[name] for name in CACHE} for one in found['caches']}
            return dict(started=found['started'], runs=runs, caches=caches)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            told = f'{str(path)!r} cannot be read ({type(error).__name__}) and is written anew from the trainings'
            print(f'warning: {told}: what caches cost and why trainings failed is lost', flush=True)
            return {}

    def add_cache(self, cost: dict[str, Any]) -> None:
        """Notes what a cache cost; the times of commands add up, unless one was stopped before it was noted."""
        before, begun, spent = self.caches.get(cost['path']), cost['begun'], cost['seconds']
        if before is not None:
            spent = None if before['seconds'] is None else before['seconds'] + (spent or 0)
        elif begun:
            spent = None
        self.caches[cost['path']] = {**{key: value for key, value in cost.items() if key != 'begun'}, 'seconds': spent}
        self.write()

    def body(self) -> dict[str, Any]:
        """What ``study.json`` says now."""
        return dict(
            **self.head,
            runs=list(map(self._entry, self.runs)),
            caches=list(self.caches.values()),
            against={
                row: {name: compare(self.runs, row, name) for name in self.against if name != row}
                for row in self.head['rows']
            },
        )

    @staticmethod
    def _entry(run: Run) -> dict[str, Any]:
        result, state = run.state.result, run.state
        measured = ('top1', 'seconds', 'step_seconds', 'data_seconds', 'undecoded')
        return dict(
            row=run.row,
            split=run.split,
            seed=run.seed,
            teacher=run.teacher,
            config=run.file,
            options={key: value for key, value in run.settings.items() if key != 'config'},
            work_dir=str(run.work_dir),
            status=state.status,
            **{name: getattr(result, name, None) for name in measured},
            machines=list(result.machines) if result else [],
            cache=state.cache and str(state.cache),
            error=state.error,
        )

    def write(self) -> None:
        """Writes ``study.json`` and ``table.csv``; tells, once, of a first training on another kind of machine."""
        body = self.body()
        with open_whole(self.folder / 'study.json', 'w') as file:
            json.dump(body, file, indent=1)
        with open_whole(self.folder / 'table.csv', 'w') as file:
            write_csv(file, body['runs'])
        if not self.mixed and (told := machines_told(self.runs)):
            self.mixed = True
            print(f'warning: {told}', flush=True)

    def write_table(self, out: Path) -> str:
        """Writes the table; gives its text."""
        text = markdown(self.runs, self.body())
        with open_whole(out, 'w') as file:
            file.write(text)
        return text


def _cache_of(run: Run) -> str | None:
    """The cache that a training read its teachers from, as the copy of its config says."""
    try:
        return Config.fromfile(run.work_dir / Path(run.file).name).model.get('teacher_cache')
    except Exception:  # it is gone, or whatever a damaged one makes Python say
        return None
