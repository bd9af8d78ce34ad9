"""What a run has made."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from torch import nn

from ..scalars import top1_of
from ..zoo.catalogue import VIDEOS
from .stages import STATE


@dataclass(frozen=True)
class Row:
    """A model's line in the report; an accuracy in percent of the held-out data."""

    name: str
    top1: float
    parameters: int
    gflops: float
    note: str


@dataclass(frozen=True)
class Distilled:
    """A run that is done.

    Attributes:
        folder: Its folder.
        of: ``'videos'`` or ``'pictures'``.
        classes: Class names in order of their labels.
        val: How many held-out samples the accuracies are of.
        metrics: What the student reached on these in its own test, and under ``alone`` the student without teachers.
        rows: All models, teachers first.
        seconds: How long each stage took.
    """

    folder: Path
    of: str
    classes: list[str]
    val: int
    metrics: dict[str, dict[str, float]]
    rows: list[Row]
    seconds: dict[str, float]

    @property
    def config(self) -> Path:
        """The student's plain config."""
        return self.folder / 'export' / 'student.py'

    @property
    def checkpoint(self) -> Path:
        """The student's plain weights."""
        return self.folder / 'export' / 'student.pth'

    @property
    def accuracy(self) -> float:
        """Top-1 of the distilled student in percent."""
        return self.rows[-1].top1

    @cached_property
    def student(self) -> nn.Module:
        """The student as a plain recognizer of MMAction2 or classifier of MMPretrain, in eval mode on the CPU."""
        if self.of == VIDEOS:
            from mmaction.apis import init_recognizer

            return init_recognizer(str(self.config), str(self.checkpoint), device='cpu')
        from mmpretrain import get_model

        return get_model(str(self.config), pretrained=str(self.checkpoint), device='cpu').eval()


def read_outcome(folder: Path) -> Distilled:
    """Reads what a finished run noted."""
    state = json.loads((folder / STATE).read_text(encoding='utf-8'))
    stages, arguments = state['stages'], state['arguments']
    found = stages['data']['result']
    metrics = {name.removeprefix('test '): part['result'] for name, part in stages.items() if name.startswith('test ')}
    known = {row['model']: row for row in stages['check']['result']}
    student = known.pop('student')
    how = 'one clip, its centre' if found['of'] == VIDEOS else ''
    rows = [Row(f'teacher {name}', row['top1'], row['parameters'], row['gflops'], how) for name, row in known.items()]
    names = dict(alone='student alone', distilled='student distilled')
    method = arguments.get('method')
    for name in [name for name in names if name in metrics]:
        note = f'{arguments["student"]}, {method}' if method and name == 'distilled' else arguments['student']
        rows.append(Row(names[name], top1_of(metrics[name]), student['parameters'], student['gflops'], note))
    seconds = {name: part['seconds'] for name, part in stages.items()}
    return Distilled(folder, found['of'], found['classes'], found.get('test') or found['val'], metrics, rows, seconds)
