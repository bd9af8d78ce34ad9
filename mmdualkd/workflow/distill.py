"""The whole run: data, teachers, student, test, export, report."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..datasets.kept import remove_kept
from ..errors import ConfigError, DataError
from ..files import check_folder
from ..machine import cores
from ..processes import locked
from ..zoo.catalogue import PICTURES, VIDEOS, find_model
from .arguments import checked, expression
from .budget import fit_epochs
from .entries import check_known_classes, entry_of, fetch_weights, teachers_of
from .leaves import Job
from .methods import terms_of
from .outcome import Distilled, read_outcome
from .plan import ALONE, STUDENT, Plan
from .recipes import default_epochs
from .report import write_report
from .samples import Samples, find_samples, frames_of
from .stages import Run, parse_time

BATCH = {VIDEOS: 8, PICTURES: 32}


def distill(
    data: str | Path,
    student: str,
    teachers: Sequence[str],
    out: str | Path,
    *,
    teacher_checkpoints: Mapping[str, str] | None = None,
    method: str | None = None,
    from_scratch: bool = False,
    baseline: bool = False,
    onnx: bool = False,
    dry_run: bool = False,
    epochs: int | None = None,
    teacher_epochs: int | None = None,
    time_budget: str | None = None,
    test_fraction: float = 0.2,
    group_regex: str | None = None,
    unlabelled: str | None = None,
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
        data: A folder with one folder a class (or ``train`` and ``val`` of such, and ``test``), or a CSV of
            ``path,label``. A file whose label is empty there has none: the student alone learns from it, what its
            teachers say of it.
        student: A name of ``mmdualkd list models``, a config of a zoo (``package::path.py``) or the path of one.
        teachers: The same, one or several.
        out: The folder for all that the run makes.
        teacher_checkpoints: Weights by teacher, of those that know these classes already; they are not trained.
        method: A name of ``mmdualkd list methods``; None takes the dual-teacher method for a ViT and a CNN on videos,
            the hybrid assistant for one teacher on pictures, else KD.
        from_scratch: Starts from random weights, not from those of a zoo.
        baseline: Also trains the student alone.
        onnx: Also exports the student to ONNX.
        dry_run: Writes the configs and checks all of them; nothing is trained.
        epochs: Of the student; None takes 30, from scratch 100, for few samples more.
        teacher_epochs: Of the teachers; None takes 20, if one begins from scratch 100, for few samples more.
        time_budget: A time such as ``'2h'`` that the epochs of all stages are fitted into.
        test_fraction: The share of each class that is held out, above 0 and below 1.
        group_regex: Files whose path (with ``/`` before it) gives the same first group stay on one side.
        unlabelled: A folder in the folder ``data`` whose files have no label.
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
    arguments = checked({name: value for name, value in locals().items() if name not in ('out', 'dry_run')})
    workers = arguments.pop('workers')  # a machine's, not the run's
    if not str(out).strip():
        raise ConfigError(f'--out={str(out)!r} names no folder')
    out = Path(os.path.expanduser(out)).resolve()
    Run.check_free(out)
    check_folder('--out', out)
    with locked(out):
        run = Run(out, arguments)
        samples: list[Samples] = []

        def prepare() -> dict[str, Any]:
            regex = expression(group_regex)
            samples.append(find_samples(arguments['data'], out, test_fraction, regex, seed, unlabelled))
            return describe(samples[0], out, arguments['student'], arguments['teachers'])

        found = run.first_stage('data', 'data', prepare)
        check_lists(out / 'annotations', found, run.path)
        of, root = found['of'], Path(found['root'])
        learner = entry_of(arguments['student'], of, '--student', from_scratch, None, found)
        guides = teachers_of(arguments['teachers'], of, from_scratch, arguments['teacher_checkpoints'], found)
        if method is not None:
            # one that is for other teachers is told before anything is fetched
            terms_of(method, {role: guide.model.kind for role, guide in guides.items()})
        check_known_classes(guides, found['classes'], str(out / 'annotations' / 'classes.txt'))
        job = Job(
            of, root, out / 'annotations', len(found['classes']), found['train'], batch_size or BATCH[of],
            min(cores(), 8), processes, flip, amp, seed, found.get('unlabelled', 0), found['frames'] or 0,
            found['val'], found.get('test', 0),
        )  # fmt: skip
        given = dict(student=epochs, teachers=teacher_epochs)
        begins = dict(student=[learner], teachers=guides.values())
        tuned = {who: all(entry.checkpoint is not None for entry in entries) for who, entries in begins.items()}
        lengths = {who: number or default_epochs(who, tuned[who], job.seen) for who, number in given.items()}
        run.stage('weights', 'weights of the zoo', lambda: fetch_weights([learner, *guides.values()]))
        plan = Plan(run, job, learner, guides, baseline, method, workers)
        if time_budget is not None:
            lengths = run.stage('plan', 'time', lambda: fit_epochs(plan, lengths, parse_time(time_budget)))
        plan.write_configs(lengths)
        if onnx:
            plan.try_onnx()
        if dry_run:
            return plan.check()
        if plan.to_come():
            plan.build()
        for role in plan.trained:
            plan.train(f'teachers/{role}', f'teacher {role}: {guides[role].name}')
        run.stage('check', 'what the teachers know', plan.check_teachers)
        plan.train(STUDENT, f'student {student}, distilled')
        if baseline:
            plan.train(ALONE, f'student {student}, alone')
        for name in plan.students:
            run.stage(f'test {name}', f'test of the student, {name}', lambda name=name: plan.test(name))
        run.stage('export', 'export', lambda: plan.export(onnx))
        remove_kept(job.frames)
        outcome = read_outcome(out)
        print(write_report(outcome), flush=True)
        return outcome


def check_lists(folder: Path, found: Mapping[str, Any], state: Path) -> None:
    """Refuses lists that do not hold what was found: what trains from now on would be of other data.

    Args:
        folder: Where the lists lie.
        found: What :func:`describe` gave.
        state: The file of the run's state, for errors.

    Raises:
        DataError: Names the list.
    """
    counts = dict(train=found['train'] + found.get('unlabelled', 0), val=found['val'], test=found.get('test', 0))
    for name, count in counts.items():
        path = folder / f'{name}.txt'
        lines = path.read_bytes().count(b'\n') if path.is_file() else 0
        if lines < count:
            raise DataError(
                f'{str(path)!r} lists {lines} samples, {count} were found when the run began; to have it written anew '
                f'of the same data, delete {str(state)!r} and give the same arguments: trainings go on from their '
                'checkpoints'
            )


def describe(samples: Samples, out: Path, student: str, teachers: Sequence[str]) -> dict[str, Any]:
    """Writes the annotation files, and tells what was found."""
    for name, key in ((student, '--student'), *((teacher, '--teachers') for teacher in teachers)):
        find_model(name, samples.of, key)  # a wrong name is told before anything is written
    samples.write(out / 'annotations')
    train = samples.trained_on()
    print(f'{len(samples.classes)} {samples.of} of {len(samples.names)} classes: {", ".join(samples.names[:20])}')
    without = f' and {len(samples.unlabelled)} without a label' if samples.unlabelled else ''
    validated, tested = len(samples.held_out) - len(samples.test), len(samples.test)
    others = f'{validated} to validate on, {tested} to test on' if tested else f'{validated} held out'
    print(f'{len(train)}{without} to train on, {others}: {out / "annotations"}')
    return dict(
        of=samples.of,
        root=str(samples.root),
        classes=samples.names,
        train=len(train),
        unlabelled=len(samples.unlabelled),
        val=validated,
        test=tested,
        left_out=len(samples.faults),
        frames=frames_of(samples) if samples.of == VIDEOS else None,
    )
