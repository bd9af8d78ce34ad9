"""What a training left in its work directory."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mmengine.config import Config

from ..checkpoint import find_checkpoint, model_state_dict, read_checkpoint, training_config
from ..errors import CheckpointError, ConfigError
from ..hooks.student_checkpoint import PREFIX
from ..scalars import LOGS, logs_of, machine_of, read_log, top1_of

Curve = tuple[list[float], list[float]]  # steps and values


@dataclass(frozen=True)
class Training:
    """A work directory.

    Attributes:
        folder: The directory.
        entries: What was logged of training, by iteration; of an iteration that was trained twice the later one, and
            nothing of a training that was begun anew in the same directory.
        validations: Top-1 in percent by epoch (or iteration, in a training of iterations).
    """

    folder: Path
    entries: dict[int, dict]
    validations: dict[int, float]

    @cached_property
    def checkpoint(self) -> Path:
        """The newest ``best_*.pth``, else the last checkpoint, else the newest ``student_*.pth``.

        Raises:
            CheckpointError: If there is none.
        """
        try:
            return find_checkpoint(self.folder)
        except CheckpointError:
            students = sorted(self.folder.glob(f'{PREFIX}*.pth'), key=lambda file: file.stat().st_mtime)
            if students:
                return students[-1]
            raise

    @cached_property
    def config(self) -> Config:
        """The config that it was trained with.

        Raises:
            CheckpointError: If it is neither in a checkpoint nor in the directory.
        """
        return training_config(self.checkpoint)

    @property
    def teachers(self) -> list[str]:
        """Names of the teachers that the log tells of."""
        names = (match[1] for entry in self.entries.values() for key in entry if (match := _weight(key)))
        return list(dict.fromkeys(name for name in names if not name.endswith('_std')))

    def curve(self, key: str) -> Curve:
        """Iterations and values of a figure of the log."""
        found = {step: entry[key] for step, entry in self.entries.items() if key in entry}
        return list(found), list(found.values())

    def keys(self, pattern: str) -> list[str]:
        """Names in the log that match a regular expression as a whole, in their order."""
        names = dict.fromkeys(key for entry in self.entries.values() for key in entry)
        return [name for name in names if re.fullmatch(pattern, name)]

    def machine(self) -> dict[str, str]:
        """What the newest log tells of machine, versions and seed."""
        logs = sorted(self.folder.glob('*/*.log'))
        return machine_of(logs[-1]) if logs else {}


def check_alone(training: Training, alone: Training, key: str) -> None:
    """Refuses what a page would call the student alone, but is not.

    Args:
        training: The training that the page is of.
        alone: The one that it is compared with.
        key: The argument that names that one.

    Raises:
        ConfigError: If that one has teachers, or its student is another network.
    """
    if alone.config.model.get('teachers'):
        raise ConfigError(f'{key} has teachers, too: name a training of the student alone')
    ours, theirs = (
        {name: tuple(value.shape) for name, value in model_state_dict(read_checkpoint(one.checkpoint, key)).items()}
        for one in (training, alone)
    )
    for name in {**ours, **theirs}:
        if ours.get(name) != theirs.get(name):
            here, there = (str(shapes.get(name, 'missing')) for shapes in (ours, theirs))
            raise ConfigError(f'{key} trained another network than this student: {name} is {there} there, {here} here')


def _weight(key: str) -> re.Match | None:
    return re.fullmatch(r'[^/]+/weight_(.+)', key)


def has_begun(folder: Path) -> bool:
    """Whether a folder is that of a training which has left something to show."""
    return any(next(folder.glob(pattern), None) for pattern in (LOGS, '*.pth'))


def read_training(folder: Path, key: str = 'WORK_DIR') -> Training:
    """Reads a work directory.

    Args:
        folder: The directory.
        key: The argument that names it, for errors.

    Raises:
        ConfigError: If it holds neither a log nor a checkpoint; names folders in it that do.
    """
    if folder.is_file():
        raise ConfigError(f'{key}={str(folder)!r} is a file: name the work directory of a training')
    if not folder.is_dir():
        raise ConfigError(f'{key}={str(folder)!r}: there is no such folder')
    if not has_begun(folder):
        inside = sorted({str(log.parents[2].relative_to(folder)) for log in folder.glob(f'*/**/{LOGS}')})
        study = '' if key.startswith('--') else '; and it is no study (study.json)'
        hint = f'; there are trainings in it: {", ".join(inside[:4])}' if inside else ''
        raise ConfigError(
            f'{key}={str(folder)!r} holds no training: no log ({LOGS}) and no checkpoint (*.pth){study}{hint}'
        )
    entries: dict[int, dict] = {}
    validations: dict[int, float] = {}
    for log in logs_of(folder):
        lines = read_log(log)
        if first := next((entry for entry in lines if 'loss' in entry), None):
            # what an earlier session has from there on was trained again, or is of a training before this one
            begin = _step(first)
            entries = {step: entry for step, entry in entries.items() if step < begin}
            validations = {step: top1 for step, top1 in validations.items() if step < first.get('epoch', begin)}
        for entry in lines:
            step = _step(entry)
            if (top1 := top1_of(entry)) is not None:
                validations[step] = top1
            elif 'loss' in entry:
                entries[step] = entry
    return Training(folder, dict(sorted(entries.items())), dict(sorted(validations.items())))


def _step(entry: dict) -> int:
    return entry.get('step', entry.get('iter', 0))
