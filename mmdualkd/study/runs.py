"""The trainings of a study."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..differences import differences
from ..errors import ConfigError, DataError, nearest
from ..launch import find_config
from ..processes import TOOLS
from ..reading import check_file
from .configs import WEIGHTS, check_keys, check_terms, views_option, what_decides
from .file import check_options
from .logs import Result, read_result

DECISIVE = 'trained_with.json'  # what decided of the config when a training began; the file may be edited since


@dataclass
class State:
    """How far a training is; runs of one work directory share it.

    Attributes:
        status: ``waiting``, ``running``, ``finished`` or ``failed``.
        error: Why it failed, or what it waits for; one line.
        result: What it reached, once it is finished.
        cache: The cache that its teachers are read from.
    """

    status: str = 'waiting'
    error: str | None = None
    result: Result | None = None
    cache: Path | None = None


@dataclass(eq=False)
class Run:
    """One training."""

    row: str
    split: str
    seed: int
    config: str
    work_dir: Path
    options: dict
    teacher: bool = False
    state: State = field(default_factory=State)

    def __str__(self) -> str:
        return f'{self.row}, {self.split}, seed {self.seed}'

    @property
    def top1(self) -> float | None:
        """Top-1 in percent, once it is finished."""
        return self.state.result and self.state.result.top1

    @property
    def settings(self) -> dict:
        """Config and options, as a file holds them."""
        return json.loads(self.settings_text)

    @property
    def settings_text(self) -> str:
        """The same as JSON."""
        return json.dumps(dict(config=self.config, **self.options), default=str, indent=1)

    @property
    def file(self) -> str:
        """The config: a file of the user's, else one of this package's, or of a zoo (``package::path.py``)."""
        if '::' in self.config:
            return find_config(self.config)
        ours = (TOOLS.parent / self.config).resolve()
        return str(ours) if not Path(self.config).is_file() and ours.is_file() else self.config

    @property
    def decisive(self) -> dict[str, Any]:
        """What decides of its config; nothing of one that cannot be read, of which its training tells."""
        try:
            return what_decides(self.file, self.options)
        except ConfigError:
            return {}

    def check(self) -> None:
        """Refuses a config, options or a method that do not fit, and a work directory of other settings.

        Those of the config count, too, whose file may have been edited. One without ``settings.json``, of an older
        study or of tools/train.py, is taken for this training.
        """
        check_file(f'{self}: config', self.file)
        try:
            check_terms(self.file, self.options)
            check_keys(self.file, self.options)
        except ConfigError as error:
            raise ConfigError(f'{self}: {error}') from error
        if (settings := self._trained_settings()) is not None:
            refuse_others(self, settings, 'was trained', 'remove or rename it to train anew')
            if faults := self._edited():
                raise ConfigError(
                    f'{self}: {str(self.work_dir)!r} was trained before {self.config}, or weights that it names, were '
                    f'changed: {"; ".join(faults)}; remove or rename it to train anew, or give what was changed a file '
                    'of its own'
                )

    def look(self) -> None:
        """Reads what its work directory has, unless that is of other settings."""
        place, settings = self.work_dir / 'finished', self._trained_settings()
        if place.is_file() and (settings is None or (settings == self.settings and not self._edited())):
            try:
                self.state.result = read_result(str(self), self.work_dir, seconds_in(place))
            except DataError as error:
                raise DataError(f'{error}; remove or rename it to train anew') from error
            self.state.status, self.state.error = 'finished', None

    def _edited(self) -> list[str]:
        """How its config differs from what it was when its work directory's training began, where that was noted.

        Weights that it names count where their file was there then and is now.
        """
        try:
            there = json.loads((self.work_dir / DECISIVE).read_text())
        except (OSError, ValueError):
            return []
        here = self.decisive
        if not (isinstance(there, dict) and there and here):
            return []
        unknown = {key for key in there.keys() ^ here.keys() if key.startswith(WEIGHTS)}
        return differences(*({key: one[key] for key in one if key not in unknown} for one in (there, here)))

    def _trained_settings(self) -> dict | None:
        place = self.work_dir / 'settings.json'
        begun = any((self.work_dir / name).exists() for name in ('finished', 'last_checkpoint'))
        if not (begun and place.is_file()):
            return None
        try:
            found = json.loads(place.read_text())
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ConfigError(f'{self}: {str(place)!r} cannot be read; delete it if that is where this one was trained')
        return found


def seconds_in(place: Path) -> float | None:
    """The seconds that a file notes; None if it says none, as an older study's or a damaged one."""
    try:
        return float(place.read_text(errors='replace').split()[0])
    except (ValueError, IndexError):
        return None


def by_place(runs: Iterable[Run]) -> list[Run]:
    """Trainings, of those that are one (of a teacher that splits share) the first."""
    first: dict[Path, Run] = {}
    for run in runs:
        first.setdefault(run.work_dir, run)
    return list(first.values())


def refuse_others(run: Run, settings: Mapping[str, Any], what: str, cure: str) -> None:
    """Raises a :class:`ConfigError` that names the first of ``settings`` that is not the run's."""
    for key in {**settings, **run.settings}:
        there, here = (f'{key}={one[key]!r}' if key in one else f'no {key}' for one in (settings, run.settings))
        if there != here:
            raise ConfigError(f'{run}: {str(run.work_dir)!r} {what} with {there}, this one has {here}; {cure}')


def plan(study: Config, folder: Path, extra: Mapping[str, Any]) -> Iterator[Run]:
    """Gives the trainings of a study: teachers in the places where rows look for them, then the rows.

    Args:
        study: The study's file.
        folder: Where rows go.
        extra: Options for every training.

    Raises:
        ConfigError: If a row has fields that a split does not give, or two of one work directory differ.
    """
    states: dict[Path, Run] = {}
    for teacher, rows in ((True, study.get('teachers', [])), (False, study.rows)):
        for row in rows:
            for split, fields in study.splits.items():
                config, own, place = (fill_in(row, key, split, fields) for key in ('config', 'options', 'work_dir'))
                check_options(f'{row["name"]}, {split}', dict(options=own or {}))
                for seed in [0] if teacher else row.get('seeds', study.get('seeds', [0, 1, 2])):
                    options = {**(own or {}), **fields.get('options', {}), **extra}
                    if teacher:
                        place = os.path.expanduser(place or f'work_dirs/{Path(config).stem}')
                        work_dir = Path(os.path.normpath(place))
                    else:
                        name = row['name'].replace(' ', '_').replace('/', '-')
                        work_dir = folder / name / fields['name'] / f'seed{seed}'
                    run = Run(row['name'], split, seed, config, work_dir, options, teacher)
                    if study.get('views') and not teacher:
                        check_file(f'{run}: config', run.file)
                        run.options = {**views_option(run.file, study.views), **options}
                    first = states.setdefault(work_dir, run)  # splits may share a teacher, which is then trained once
                    if first.teacher != teacher:
                        raise ConfigError(f'{first}: {str(work_dir)!r} is the place of {run}: give it another')
                    cure = "give each a work_dir of its own ('{name}')" if teacher else 'give them other names'
                    refuse_others(run, first.settings, f'is that of {first}', cure)
                    run.state = first.state
                    yield run


def fill_in(row: Mapping[str, Any], key: str, split: str, fields: Mapping[str, Any]) -> Any:
    """A row's config, options or work directory, its fields in braces filled in with those of a split."""

    def fill(where: str, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(fill(where, part) for part in value)
        if not isinstance(value, str):
            return value
        try:
            return value.format(**fields)
        except KeyError as error:
            name = str(error.args[0])
            raise ConfigError(
                f'{where}={value!r} has the field {name!r}, which splits[{split!r}] does not give'
                f'{nearest(name, fields)}'
            ) from error
        except (ValueError, IndexError, AttributeError, TypeError) as error:
            reason = 'a field has no name' if isinstance(error, IndexError) else error
            raise ConfigError(f'{where}={value!r}: {reason} (braces that are to stay are written twice)') from error

    value = row.get(key)
    if isinstance(value, Mapping):
        return {name: fill(f'{row["name"]}: options[{name!r}]', one) for name, one in value.items()}
    return fill(f'{row["name"]}: {key}', value)
