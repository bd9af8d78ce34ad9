"""The whole run: data, teachers, student, test, export, report."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError, check_positive
from ..files import check_folder
from ..launch import check_file
from .budget import fit_epochs
from .catalogue import PICTURES, VIDEOS, find_model
from .entries import check_known_classes, entry_of, fetch_weights, teachers_of
from .leaves import Job
from .outcome import Distilled, read_outcome
from .plan import ALONE, STUDENT, Plan
from .recipes import FINE_TUNING, FROM_SCRATCH
from .report import write_report
from .samples import Samples, find_samples, frames_of
from .stages import Run, locked, parse_time

BATCH = {VIDEOS: 8, PICTURES: 32}


def distill(
    data: str | Path,
    student: str,
    teachers: Sequence[str],
    out: str | Path,
    *,
    teacher_checkpoints: Mapping[str, str] | None = None,
    from_scratch: bool = False,
    baseline: bool = False,
    onnx: bool = False,
    dry_run: bool = False,
    epochs: int | None = None,
    teacher_epochs: int | None = None,
    time_budget: str | None = None,
    test_fraction: float = 0.2,
    group_regex: str | None = None,
    flip: bool = True,
    batch_size: int | None = None,
    workers: int | None = None,
    processes: int = 1,
    amp: bool = False,
    seed: int = 0,
) -> Distilled | int:
    """Distils teachers into a student on one's own videos or pictures; the command ``mmdualkd distill``.

    Called again with the same arguments it goes on where it was stopped.

    Args:
        data: A folder with one folder a class (or ``train`` and ``val`` of such), or a CSV of ``path,label``.
        student: A name of ``mmdualkd list models``, a config of a zoo (``package::path.py``) or the path of one.
        teachers: The same, one or several.
        out: The folder for all that the run makes.
        teacher_checkpoints: Weights by teacher, of those that know these classes already; they are not trained.
        from_scratch: Starts from random weights, not from those of a zoo.
        baseline: Also trains the student alone.
        onnx: Also exports the student to ONNX.
        dry_run: Writes the configs and checks all of them; nothing is trained.
        epochs: Of the student; None takes 30, from scratch 40.
        teacher_epochs: Of the teachers; None takes 20, from scratch 100.
        time_budget: A time such as ``'2h'`` that the epochs of all stages are fitted into.
        test_fraction: The share of each class that is held out, above 0 and below 1.
        group_regex: Files whose path (with ``/`` before it) gives the same first group stay on one side.
        flip: Whether a mirrored clip keeps its class.
        batch_size: Samples a step and process; None takes 8 clips or 32 pictures.
        workers: Processes that decode; None takes the machine's cores, at most 8.
        processes: How many train together, one a GPU.
        amp: Trains with automatic mixed precision.
        seed: Of the split and of the trainings.

    Returns:
        The student, metrics and paths. With ``dry_run`` the exit code of the check: 1 if it found errors.

    Raises:
        DistillError: Names what is wrong; what was done before stays, and the next call goes on from there.
    """
    arguments = {name: value for name, value in locals().items() if name not in ('out', 'dry_run', 'workers')}
    given = {name: str(Path(path).absolute()) for name, path in (teacher_checkpoints or {}).items()}
    arguments.update(data=str(Path(data).absolute()), teachers=list(teachers), teacher_checkpoints=given)
    check_arguments(arguments)
    regex = _expression(group_regex)
    out = Path(out).absolute()
    check_folder('--out', out)
    with locked(out):
        run = Run(out, arguments)
        samples: list[Samples] = []

        def prepare() -> dict[str, Any]:
            samples.append(find_samples(data, out, test_fraction, regex, seed))
            return describe(samples[0], out, student, teachers)

        found = run.stage('data', 'data', prepare)
        of, root = found['of'], Path(found['root'])
        workers = min(os.cpu_count() or 1, 8) if workers is None else workers
        learner = entry_of(student, of, '--student', from_scratch, None, found)
        guides = teachers_of(teachers, of, from_scratch, given, found)
        check_known_classes(guides, found['classes'], str(out / 'annotations' / 'classes.txt'))
        job = Job(
            of, root, out / 'annotations', len(found['classes']), found['train'], batch_size or BATCH[of], workers,
            processes, flip,
        )  # fmt: skip
        lengths = dict(student=epochs, teachers=teacher_epochs)
        for name, default in zip(lengths, FROM_SCRATCH if learner.checkpoint is None else FINE_TUNING, strict=True):
            lengths[name] = lengths[name] or default
        run.stage('weights', 'weights of the zoo', lambda: fetch_weights([learner, *guides.values()]))
        plan = Plan(run, job, learner, guides, baseline)
        if time_budget is not None:
            lengths = run.stage('plan', 'time', lambda: fit_epochs(plan, lengths, parse_time(time_budget)))
        plan.write_configs(lengths)
        if dry_run:
            return plan.check()
        flags = ['--seed', seed, *(['--amp'] if amp else [])]
        for role in plan.trained:
            plan.train(f'teachers/{role}', f'teacher {role}: {guides[role].name}', flags)
        run.stage('check', 'what the teachers know', plan.check_teachers)
        plan.train(STUDENT, f'student {student}, distilled', flags)
        if baseline:
            plan.train(ALONE, f'student {student}, alone', flags)
        for name in plan.students:
            run.stage(f'test {name}', f'test of the student, {name}', lambda name=name: plan.test(name))
        run.stage('export', 'export', lambda: plan.export(onnx))
        outcome = read_outcome(out)
        print(write_report(outcome), flush=True)
        return outcome


def check_arguments(arguments: Mapping[str, Any]) -> None:
    """Refuses what cannot be; names the option."""
    if not arguments['teachers']:
        raise ConfigError('--teachers names none: give one or several')
    if not 0 < arguments['test_fraction'] < 1:
        raise ConfigError(f'--test-fraction={arguments["test_fraction"]!r} must lie between 0 and 1')
    for name in ('epochs', 'teacher_epochs', 'batch_size', 'processes'):
        if arguments[name] is not None:
            check_positive(**{f'--{name.replace("_", "-")}': arguments[name]})
    if arguments['time_budget'] is not None:
        parse_time(arguments['time_budget'])
        if arguments['epochs'] or arguments['teacher_epochs']:
            raise ConfigError('--time-budget says how long all stages train: leave out --epochs and --teacher-epochs')
    for name in arguments['teacher_checkpoints'] or {}:
        if name not in arguments['teachers']:
            known = ', '.join(arguments['teachers'])
            raise ConfigError(f'--teacher-checkpoint {name!r} is none of --teachers ({known})')
    if arguments['teacher_checkpoints']:
        for name, path in arguments['teacher_checkpoints'].items():
            check_file(f'--teacher-checkpoint {name}', path)


def _expression(text: str | None) -> re.Pattern | None:
    if text is None:
        return None
    try:
        regex = re.compile(text)
    except re.error as error:
        raise ConfigError(f'--group-regex={text!r} is no regular expression: {error}') from error
    if regex.groups < 1:
        raise ConfigError(f'--group-regex={text!r} has no group: put parentheses around what names the group')
    return regex


def describe(samples: Samples, out: Path, student: str, teachers: Sequence[str]) -> dict[str, Any]:
    """Writes the annotation files, and tells what was found."""
    for name, key in ((student, '--student'), *((teacher, '--teachers') for teacher in teachers)):
        find_model(name, samples.of, key)  # a wrong name is told before anything is written
    samples.write(out / 'annotations')
    for path, fault in list(samples.faults.items())[:10]:
        print(f'left out: {path} {fault}')
    if len(samples.faults) > 10:
        print(f'left out: {len(samples.faults) - 10} more')
    train = samples.trained_on()
    print(f'{len(samples.classes)} {samples.of} of {len(samples.names)} classes: {", ".join(samples.names[:20])}')
    print(f'{len(train)} to train on, {len(samples.held_out)} held out: {out / "annotations"}')
    return dict(
        of=samples.of,
        root=str(samples.root),
        classes=samples.names,
        train=len(train),
        val=len(samples.held_out),
        left_out=len(samples.faults),
        frames=frames_of(samples) if samples.of == VIDEOS else None,
    )
