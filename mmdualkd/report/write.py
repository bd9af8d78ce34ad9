"""Writes the page: finds out what a folder is, what can be known of it, and what is missing."""

import logging
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.logging import print_log

from ..errors import CheckpointError, ConfigError, DistillError
from ..files import check_folder, open_whole
from ..machine import processor
from ..version import __version__
from ..workflow.stages import STATE, Run
from .classes import confusion, gains
from .clips import clips
from .learning import learning, weights
from .markup import Html, code_in, facts, page, section, tag
from .models import agreeing, overview, reliabilities
from .networks import check_data, one_line, predictions_of
from .predictions import Predictions, check_same_data
from .study import FILE, read_study
from .study_sections import study_facts, study_sections
from .subject import Subject
from .training import Training, check_alone, has_begun, read_training

LIMIT = 3_000_000  # bytes of the file
COMMAND = 'mmdualkd report'


def write_page(
    folder: str | Path,
    against: str | Path | None = None,
    out: str | Path | None = None,
    predict: bool = True,
    command: str = COMMAND,
) -> Path:
    """Writes one HTML file of a training, of a run of ``mmdualkd distill`` or of a study.

    Args:
        folder: The work directory, the run's folder, or the study's (with ``study.json``).
        against: The work directory of the student alone; of a run of ``mmdualkd distill`` its own, unless given.
        out: The file; None takes ``report.html`` in the folder.
        predict: Runs the networks over the validation data, see :func:`~mmdualkd.report.networks.predictions_of`.
        command: The command line that asks for it, for the foot of the page.

    Returns:
        The file.

    Raises:
        ConfigError: If the folder holds nothing to report, the file cannot be written, or the two trainings were not
            validated on the same samples, or not of the same student.
    """
    folder = Path(folder)
    out = Path(out) if out is not None else folder / 'report.html'
    if not folder.is_dir():
        read_training(folder, 'WORK_DIR_OR_STUDY')  # says what is wrong with it
    if out.is_dir():
        raise ConfigError(f'--out={str(out)!r} is a folder: name a file in it')
    if out.suffix not in ('.html', '.htm'):  # a slip must not cost a checkpoint
        raise ConfigError(f'--out={str(out)!r} must end in .html')
    check_folder('--out', out.parent)
    if (folder / FILE).is_file():
        if against is not None:
            raise ConfigError('--against goes with a training; a study compares its own rows')
        study = read_study(folder)
        text = page(study.title or folder.name, *study_sections(study), foot(study_facts(study), command))
    else:
        subject, notes = look(folder, against, predict)
        text = training_page(folder, subject, notes, command)
    if len(text.encode()) > LIMIT:
        raise ConfigError(f'the page would have {len(text.encode()):,} bytes, more than {LIMIT:,}')
    with open_whole(out, 'w') as file:
        file.write(text)
    return out


def look(folder: Path, against: str | Path | None, predict: bool) -> tuple[Subject, list[str]]:
    """Reads trainings and predictions; gives what the page is of, and what is missing in it."""
    notes: list[str] = []
    others: dict[str, Training] = {}
    arguments: dict[str, object] = {}
    main = folder
    if (folder / STATE).is_file():
        main = folder / 'distilled'
        if not main.is_dir():
            raise ConfigError(
                f'{str(folder)!r} is a run whose student has not trained yet: call mmdualkd distill again'
            )
        state = Run.read(folder)
        arguments = state['arguments']
        others = {
            f'teacher {one.name}': read_training(one) for one in sorted(folder.glob('teachers/*')) if has_begun(one)
        }
        if against is None and has_begun(folder / 'alone'):
            against = folder / 'alone'
        for name in ('distilled', 'alone'):
            if name not in state['stages'] and has_begun(folder / name):
                notes.append(f'{folder / name} has not trained to its end: what is shown of it is of that far.')
    training = read_training(main, 'WORK_DIR_OR_STUDY')
    alone = read_training(Path(against), '--against') if against is not None else None
    if alone is not None and alone.folder.resolve() == training.folder.resolve():
        raise ConfigError(f'--against={str(against)!r} is the training itself: name that of the student alone')
    subject = Subject('student', training, alone=alone, others=others, arguments=arguments)
    if alone is not None:
        try:
            check_alone(training, alone, f'--against={str(against)!r}')
        except CheckpointError as error:
            notes.append(f'Whether both are of one student is not known: {one_line(error)}.')
    if not predict:
        notes.append(f'The networks were not run (--no-predictions): `{_call(folder)}` runs them.')
    else:
        if alone is not None:
            check_data(training, alone, f'--against={str(against)!r}')
        subject.found = _tried(training, notes)
        if subject.found is not None and alone is not None:
            subject.found_alone = _tried(alone, notes)
            if subject.found_alone is not None:
                check_same_data(subject.found, subject.found_alone, f'--against={str(against)!r}')
    for found in (subject.found, subject.found_alone):
        notes += [note for note in found.notes if note not in notes] if found is not None else []
    if subject.teachers:
        subject.name = subject.name_distilled
    if not training.entries and not training.validations:
        missing = f'{main} has no log (vis_data/scalars.json), so there are no curves'
        if subject.found is None:
            raise ConfigError(f'{missing}, and nothing else to show: {notes[-1]}')
        notes.append(f'{missing}.')
    if alone is None and subject.teachers:
        notes.append(
            'What distillation gained, fixed and broke takes a training of the student alone, on the same data: '
            f'`{_call(folder)} --against WORK_DIR_OF_STUDENT_ALONE`.'
        )
    return subject, notes


def _tried(training: Training, notes: list[str]) -> Predictions | None:
    """Predictions of a training; where they cannot be had, a note says why."""
    try:
        return predictions_of(training)
    except (DistillError, OSError) as error:
        text = f'There are no predictions of {training.folder}: {one_line(error)}.'
        print_log(text, logger='current', level=logging.WARNING)
        notes.append(f'{text} `{_call(training.folder)}`, called where it trained, adds them once that is mended.')
        return None


def _call(folder: Path) -> str:
    """The command of a folder's page."""
    return f'{COMMAND} {shlex.quote(str(folder))}'


def training_page(folder: Path, subject: Subject, notes: list[str], command: str) -> str:
    """The page of one training."""
    parts: list[Html | None] = []
    makers: list[Callable[[Subject], Html | None]] = [
        overview, learning, weights, gains, confusion, agreeing, reliabilities, clips,
    ]  # fmt: skip
    for maker in makers:
        try:
            parts.append(maker(subject))
        except DistillError as error:  # the data of the clips, which the predictions that are kept do not need
            notes.append(f'{maker.__name__}: {one_line(error)}.')
    if notes:
        parts.append(section('What is missing', tag('ul', *(tag('li', *code_in(note)) for note in notes))))
    lead = tag('p', f'{subject.training.folder}', class_='soft')
    name = folder.resolve().name
    title = f'{name}: distilled student and teachers' if subject.teachers else f'{name}: a training'
    return page(title, lead, *parts, foot(training_facts(subject), command))


def training_facts(subject: Subject) -> Html:
    """Where and how the trainings ran, as far as their logs say."""
    pairs: list[tuple[str, object]] = []
    if subject.arguments:
        pairs.append(('mmdualkd distill', ', '.join(f'{name}={value!r}' for name, value in subject.arguments.items())))
    for name, training in ((subject.name, subject.training), ('alone', subject.alone)):
        if training is None:
            continue
        told = training.machine()
        configs = sorted(file.name for file in training.folder.glob('*.py'))
        pairs.append((name, str(training.folder)))
        if len(configs) == 1:
            words = ['mmdualkd', 'train', str(training.folder / configs[0]), '--work-dir', 'NEW']
            words += ['--seed', told['seed']] if told.get('seed', '').isdigit() else []
            pairs.append(('trains it again', tag('code', shlex.join(words))))
        try:
            pairs.append(('checkpoint', training.checkpoint.name))
        except CheckpointError as error:
            pairs.append(('checkpoint', one_line(error)))
        if told:
            pairs.append(('seed', told.pop('seed', 'not in the log')))
            there, cpu = told.pop('CUDA available', ''), told.pop('CPU capability usage', '')
            device = told.pop('GPU', 'a GPU' if there == 'True' else f'CPU with {cpu}' if cpu else 'no GPU')
            versions = [f'{key} {value.partition(" (")[0]}' for key, value in told.items()]
            pairs.append(('machine', ', '.join([device, *versions]).replace('sys.platform ', '')))
    return facts(pairs)


def foot(found: Html, command: str) -> Html:
    """The foot of the page: where its subject comes from, and how the page was made."""
    here = f'{processor()}, torch {torch.__version__}'
    made = facts(
        [
            ('this page', tag('code', command)),
            ('written', time.strftime('%Y-%m-%d %H:%M')),
            ('on', f'{here}, Python {sys.version.split()[0]}, mmdualkd {__version__}'),
        ]
    )
    return tag('footer', found, made)
