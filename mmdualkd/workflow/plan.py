"""The trainings of a run and what follows them, each in a process of its own."""

import argparse
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..checkpoint import last_checkpoint, read_checkpoint, save_student
from ..checks import check_config
from ..checks.random_weights import with_random_teachers
from ..errors import CheckpointError, ConfigError
from ..export import stock_config
from ..export_onnx import try_onnx
from ..findings import exit_code, report
from ..launch import load_config
from ..reading import read_file
from ..registry import MODELS
from .leaves import Entry, Job, alone, distilled
from .stages import STATE, Run, run_tool
from .writing import write_leaf

STUDENT, ALONE = 'distilled', 'alone'  # the trainings of the student
SPLITS = ('train', 'val', 'test')
AGAIN = f'take it out of the stages in {STATE} to train it again'


class Plan:
    """The trainings of a run, and their configs.

    Args:
        run: The folder and what of it is done.
        job: What all trainings share.
        student: The student.
        teachers: The teachers by their names in the model.
        baseline: Whether the student is trained alone, too.
        method: How it is distilled, a fragment's name; None for what the teachers suggest.
        workers: Processes that decode, in place of those that the configs say; None leaves them.
    """

    def __init__(
        self,
        run: Run,
        job: Job,
        student: Entry,
        teachers: Mapping[str, Entry],
        baseline: bool,
        method: str | None = None,
        workers: int | None = None,
    ) -> None:
        self.workers, self.method = workers, method
        self.run, self.job, self.student, self.teachers = run, job, student, dict(teachers)
        self.trained = [role for role, entry in teachers.items() if not entry.trained]
        self.students = [STUDENT, *([ALONE] if baseline else [])]

    def trainings(self, lengths: Mapping[str, int]) -> dict[str, dict]:
        """The configs of all trainings by their folders."""
        job, configs = self.job, {}
        for role in self.trained:
            entry = self.teachers[role]
            configs[f'teachers/{role}'] = alone(job, entry, lengths['teachers'])
        ready = {
            role: entry if entry.trained else replace(entry, checkpoint=str(self.weights(f'teachers/{role}', lengths)))
            for role, entry in self.teachers.items()
        }
        configs[STUDENT] = distilled(job, self.student, ready, lengths['student'], self.method)
        if ALONE in self.students:
            configs[ALONE] = alone(job, self.student, lengths['student'], beside=self.teachers)
        return configs

    def weights(self, training: str, lengths: Mapping[str, int]) -> Path:
        """The plain weights that a training ends with."""
        epochs = lengths['teachers' if training.startswith('teachers/') else 'student']
        return self.run.folder / training / f'student_epoch_{epochs}.pth'

    def last(self, training: str) -> Path | None:
        """The checkpoint that a training goes on from, the newest that can be read; None if there is none."""
        try:
            named = [self._named(training)]
        except CheckpointError as error:  # a full disk leaves it empty
            print(f'warning: {error}', flush=True)
            named = []
        if None in named:
            return None
        older = sorted((self.run.folder / training).glob('epoch_*.pth'), key=os.path.getmtime, reverse=True)
        for path in dict.fromkeys((*named, *older)):
            try:
                read_checkpoint(path, training)
            except CheckpointError as error:
                print(f'warning: {error}', flush=True)
            else:
                return path
        print(f'warning: {training} begins anew', flush=True)
        return None

    def _named(self, training: str) -> Path | None:
        """The checkpoint that a training's ``last_checkpoint`` names."""
        folder = self.run.folder / training
        name = last_checkpoint(folder)
        return folder / Path(name).name if name is not None else None

    def final(self, training: str) -> Path:
        """The last checkpoint of a training that is done, no older one.

        Raises:
            CheckpointError: If it is gone.
        """
        path = self._named(training)
        if path is None or self.last(training) != path:
            raise CheckpointError(f'{self.run.folder / training} holds no checkpoint any more; {AGAIN}')
        return path

    def mend_weights(self, training: str) -> None:
        """Writes the plain weights of a training that is done anew where they alone are damaged."""
        if (named := self._named(training)) is None:
            return
        weights = named.with_name(f'student_{named.name}')
        try:
            read_checkpoint(weights, training)
        except CheckpointError as error:
            save_student(self.final(training), weights)
            print(f'warning: {error}; it is written anew from {named.name}', flush=True)

    def options(self) -> dict[str, Any]:
        """Settings that give all data loaders the number of workers that was asked for."""
        if self.workers is None:
            return {}
        values = dict(num_workers=self.workers, persistent_workers=self.workers > 0)
        return {f'{split}_dataloader.{name}': value for split in SPLITS for name, value in values.items()}

    def loaders(self) -> list[str]:
        """The same as flags."""
        options = [f'{name}={value}' for name, value in self.options().items()]
        return ['--cfg-options', *options] if options else []

    def config(self, training: str) -> Path:
        """The config of a training."""
        return self.run.folder / 'configs' / f'{training.replace("/", "_")}.py'

    def write_configs(self, lengths: Mapping[str, int]) -> None:
        """Writes the configs that are not there; one that was changed by hand stays.

        Raises:
            ConfigError: If the student's config names other weights than a teacher's training will end with.
        """
        self.lengths = dict(lengths)
        (self.run.folder / 'configs').mkdir(exist_ok=True)
        for training, config in self.trainings(lengths).items():
            if not self.config(training).exists():
                write_leaf(self.config(training), config, self.run.folder / training)
        self._check_epochs()

    def to_come(self) -> list[str]:
        """The teachers that are not trained yet."""
        return [role for role in self.trained if f'teachers/{role}' not in self.run.state['stages']]

    def _check_epochs(self) -> None:
        model = read_file('config', str(self.config(STUDENT))).get('model') or {}
        teachers = model.get('teachers') or {}
        for role in self.to_come():
            config, ours = self.config(f'teachers/{role}'), self.run.folder / 'teachers' / role
            named = Path((teachers.get(role) or {}).get('checkpoint') or '')  # by hand a teacher may be left out
            epochs = (read_file('config', str(config)).get('train_cfg') or {}).get('max_epochs')
            last = ours / f'student_epoch_{epochs}.pth'
            if epochs and named.parent.resolve() == ours.resolve() and named.name != last.name:
                raise ConfigError(
                    f'{self.config(STUDENT)}: model.teachers.{role}.checkpoint={str(named)!r}, but {config} trains for '
                    f'{epochs} epochs: name {str(last)!r} there'
                )

    def build(self) -> None:
        """Builds the student and its teachers once, so that what does not fit is told of before teachers are trained.

        Raises:
            DistillError: If a model cannot be built, or the weights that were given for a teacher do not fit it.
        """
        model = self._loaded(STUDENT).model
        with tempfile.TemporaryDirectory() as folder:
            MODELS.build(with_random_teachers(model, folder, self.to_come()))

    def try_onnx(self) -> None:
        """Exports the student to ONNX, untrained, so that one that has no export is told of before any training.

        Raises:
            DistillError: See :func:`~mmdualkd.export_onnx.export_onnx`.
        """
        if STUDENT not in self.run.state['stages']:
            try_onnx(stock_config(self._loaded(STUDENT))[0])

    def _loaded(self, training: str) -> Config:
        return load_config(
            argparse.Namespace(
                config=str(self.config(training)),
                work_dir=str(self.run.folder / training),
                cfg_options=self.options() or None,
                launcher='none',
                local_rank=0,
            )
        )

    def train(self, training: str, title: str) -> None:
        """Trains; goes on from the last checkpoint if there is one."""
        work_dir = self.run.folder / training
        epochs = self.lengths['teachers' if training.startswith('teachers/') else 'student']

        def work() -> None:
            for role in self.trained if training == STUDENT else ():
                self.mend_weights(f'teachers/{role}')
            last = self.last(training)
            resume = ['--resume', last] if last else []
            arguments = [self.config(training), '--work-dir', work_dir, *resume, *self.loaders()]
            run_tool('train', *arguments, processes=self.job.processes)

        self.run.stage(training, f'{title} ({epochs} epochs)', work)

    def check_teachers(self) -> list[dict[str, Any]]:
        """What teachers and the initial student know of the held-out data, those that the student is tested on."""
        path, folder, config = self.run.folder / 'teachers.json', self.run.folder / 'check', self.config(STUDENT)
        for role in self.trained:
            self.mend_weights(f'teachers/{role}')
        if self.job.tested:
            folder.mkdir(exist_ok=True)
            config = folder / 'on_test_data.py'
            write_leaf(config, dict(_base_=[str(self.config(STUDENT))], ann_file_val=str(self.job.test_list)), folder)
        run_tool(
            'check_teachers',
            config,
            '--work-dir',
            folder,
            '--out',
            path,
            *self.loaders(),
        )
        rows = json.loads(path.read_text())
        chance = 100 / self.job.classes
        for row in rows:
            if row['model'] in self.teachers and row['top1'] < 1.5 * chance:
                print(
                    f'warning: teacher {row["model"]} knows little more than chance: {row["top1"]:.1f} % of the '
                    f'held-out {self.job.of}, chance is {chance:.1f} %. The student can hardly learn from it'
                )
        return rows

    def test(self, training: str) -> dict[str, float]:
        """The student's own metrics by its stock test pipeline."""
        work_dir = self.run.folder / 'tests' / training
        last = self.final(training)
        self.mend_weights(training)
        weights = last.with_name(f'student_{last.name}')
        run_tool('test', self.config(training), weights, '--work-dir', work_dir, *self.loaders())
        newest = max(work_dir.glob('*/*.json'), key=lambda path: path.parent.name)
        return json.loads(newest.read_text().splitlines()[-1])

    def export(self, onnx: bool) -> str:
        """The student for plain MMAction2 or MMPretrain."""
        folder = self.run.folder / 'export'
        run_tool('export_student', self.final(STUDENT), '--out', folder, *(['--onnx'] if onnx else []))
        return str(folder)

    def check(self) -> int:
        """Checks every training that is not done, as ``mmdualkd check`` does; 1 if there are errors."""
        code = 0
        for training in self.trainings(self.lengths):
            if training in self.run.state['stages']:
                continue
            print(f'== {self.config(training)}', flush=True)
            untrained = self.to_come() if training == STUDENT else ()
            findings = check_config(self._loaded(training), untrained=untrained, processes=self.job.processes)
            print(report(findings), flush=True)
            code = max(code, exit_code(findings))
        return code
