"""What a run is asked for, checked before anything is written, in the form that its folder knows it by."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError, check_flags, check_number
from ..reading import check_file
from .methods import check_method
from .stages import parse_time

COUNTS = dict(epochs=1, teacher_epochs=1, batch_size=1, processes=1, workers=0, seed=0)  # and the least of each
MOST = dict(seed=2**32 - 1)
FLAGS = ('from_scratch', 'baseline', 'onnx', 'flip', 'amp')


def option(name: str) -> str:
    """An argument as the command line calls it."""
    return dict(teacher_checkpoints='--teacher-checkpoint', data='DATA', flip='--no-flip').get(
        name, f'--{name.replace("_", "-")}'
    )


def checked(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of :func:`~mmdualkd.workflow.distill.distill` as JSON holds them, paths whole.

    Raises:
        ConfigError: Names the first that cannot be.
    """
    for name, least in COUNTS.items():
        value, most = arguments[name], MOST.get(name)
        if value is None and name not in ('processes', 'seed'):
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < least or (most and value > most):
            limits = f'from {least} to {most}' if most else f'from {least}'
            raise ConfigError(f'{option(name)} must be a whole number {limits}, got {value!r}')
    check_flags(**{option(name): arguments[name] for name in FLAGS})
    check_number(**{option('test_fraction'): arguments['test_fraction']})
    if not 0 < arguments['test_fraction'] < 1:
        raise ConfigError(f'--test-fraction={arguments["test_fraction"]!r} must lie between 0 and 1')
    if not str(arguments['data']).strip():  # a variable of the shell that is not set
        raise ConfigError(f'DATA={str(arguments["data"])!r} names no folder and no table')
    teachers, checkpoints = _names(arguments['teachers']), _checkpoints(arguments['teacher_checkpoints'])
    if not isinstance(arguments['student'], str | Path):
        raise ConfigError(f'--student must be a name, got {arguments["student"]!r}')
    _check_time(arguments)
    check_method(arguments['method'])
    for name, path in checkpoints.items():
        if name not in teachers:
            raise ConfigError(f'--teacher-checkpoint {name!r} is none of --teachers ({", ".join(teachers)})')
        check_file(f'--teacher-checkpoint {name}', path)
    expression(arguments['group_regex'])
    unlabelled = arguments['unlabelled']
    if unlabelled is not None and (not isinstance(unlabelled, str) or not unlabelled.strip('./')):
        raise ConfigError(f'--unlabelled must be the name of a folder in DATA, got {unlabelled!r}')
    whole = dict(
        data=str(_whole(arguments['data'])),
        student=str(arguments['student']),
        teachers=teachers,
        teacher_checkpoints=checkpoints,
    )
    return {**arguments, **whole}


def _names(teachers: Any) -> list[str]:
    if isinstance(teachers, str) or not isinstance(teachers, Sequence):
        raise ConfigError(f'--teachers must be a list of names, got {teachers!r}')
    if not teachers:
        raise ConfigError('--teachers names none: give one or several')
    names = list(map(str, teachers))
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f'--teachers names {", ".join(sorted(twice))} more than once')
    return names


def _checkpoints(checkpoints: Any) -> dict[str, str]:
    if checkpoints is None:
        return {}
    if not isinstance(checkpoints, Mapping) or not all(isinstance(path, str | Path) for path in checkpoints.values()):
        raise ConfigError(f'--teacher-checkpoint must be files by the names of teachers, got {checkpoints!r}')
    return {str(name): str(_whole(path)) for name, path in checkpoints.items()}


def _whole(path: str | Path) -> Path:
    return Path(os.path.expanduser(path)).resolve()


def _check_time(arguments: Mapping[str, Any]) -> None:
    budget = arguments['time_budget']
    if budget is None:
        return
    if not isinstance(budget, str):
        raise ConfigError(f"--time-budget must be a time such as '2h', got {budget!r}")
    parse_time(budget)
    if arguments['epochs'] or arguments['teacher_epochs']:
        raise ConfigError('--time-budget says how long all stages train: leave out --epochs and --teacher-epochs')


def expression(text: str | None) -> re.Pattern | None:
    """Reads ``--group-regex``.

    Raises:
        ConfigError: If it is no regular expression with a group.
    """
    if text is None:
        return None
    try:
        regex = re.compile(text)
    except (re.error, TypeError) as error:
        raise ConfigError(f'--group-regex={text!r} is no regular expression: {error}') from error
    if regex.groups < 1:
        raise ConfigError(f'--group-regex={text!r} has no group: put parentheses around what names the group')
    return regex
