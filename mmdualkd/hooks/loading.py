"""Whether the weights that a run starts from, or tests, are those of its model."""

import re
from typing import Any

from mmengine.logging import print_log
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import BaseLoop, CheckpointLoader, Runner

from ..checkpoint import model_state_dict, student_state_dict
from ..errors import CheckpointError
from ..names import STUDENT
from ..zoo.weights import fit_outside_head, fitting, load_strictly, read_source

MODULE = 'module.'  # in front of the names that averaged weights have


def check_load_from(runner: Runner) -> None:
    """Refuses weights that cannot be read; downloads those behind an address, for MMEngine to load the file.

    Raises:
        ConfigError: If ``load_from`` is neither a path nor an address.
        CheckpointError: Says what is wrong with the file, or with the way to it.
    """
    address = runner._load_from
    if runner._resume or address is None:
        return
    schemes = [scheme for scheme in CheckpointLoader._schemes if scheme and not scheme.startswith('http')]
    if any(re.match(scheme, str(address)) for scheme in schemes):
        return  # MMEngine's own: a zoo's names, storage
    path, _ = read_source(address, 'load_from' if _trains(runner) else 'checkpoint')
    runner._load_from = str(path)


def _trains(runner: Runner) -> bool:
    """Whether it is about to train; else it tests."""
    return isinstance(runner._train_loop, BaseLoop)


def check_weights(runner: Runner, checkpoint: dict[str, Any]) -> None:
    """Refuses weights of another model, which MMEngine would leave out, and go on with those of the start.

    A test takes all of a model's weights and no others; of a distiller that is the student, and what was trained
    beside it is taken out of the checkpoint. Training takes what fits (``load_from``, from another number of classes),
    and a plain model the student of a distiller's checkpoint.

    Args:
        runner: The runner, with its model built.
        checkpoint: What it is about to load; resuming has a check of its own.

    Raises:
        CheckpointError: If a test lacks a tensor, or has one too many, or none fits in training.
    """
    if runner._resume:
        return
    model = runner.model
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    student = getattr(model, STUDENT, model)
    state, address = model_state_dict(checkpoint), str(runner._load_from)
    if not _trains(runner):
        load_strictly(student, state, address, 'checkpoint')
        student._loaded = f'all {len(student.state_dict())} tensors from {address}'
        _leave_student(checkpoint, state, '' if student is model else f'{STUDENT}.')
        return
    fits, own = fitting(student, state), len(student.state_dict())
    message = f'load_from={address!r}: {len(fits)} of its {len(state)} tensors fit the model, which has {own}'
    if not fit_outside_head(student, fits):
        raise CheckpointError(f'{message}, and none of them outside its head: it is of another model')
    student._loaded = f'{len(fits)} of {own} tensors from {address} (load_from)'
    if student is model:
        _leave_student(checkpoint, state, '')
    print_log(message, logger='current')


def _leave_student(checkpoint: dict[str, Any], state: dict[str, Any], prefix: str) -> None:
    """Leaves a checkpoint the weights of the student alone, in place, by the names that the model has for them.

    Args:
        checkpoint: Of a distiller or of a plain model, or a bare state dict.
        state: The student's weights, by the names of a plain model.
        prefix: What stands before these in the model's names.
    """
    checkpoint['state_dict'] = {f'{prefix}{name}': value for name, value in state.items()}
    if 'ema_state_dict' in checkpoint:  # MMPretrain's EMAHook exchanges both, name by name
        checkpoint['ema_state_dict'] = _of_student(checkpoint['ema_state_dict'], state, prefix)


def _of_student(averaged: dict[str, Any], state: dict[str, Any], prefix: str) -> dict[str, Any]:
    """What ``EMAHook`` keeps beside a checkpoint's weights, of the student alone; see :func:`_leave_student`.

    Args:
        averaged: Of a distiller or of a plain model; names of weights begin with ``module.``.
        state: The student's weights, by the names of a plain model.
        prefix: What stands before these in the model's names.
    """
    weights = {name.removeprefix(MODULE): value for name, value in averaged.items() if name.startswith(MODULE)}
    weights = {name: value for name, value in student_state_dict(weights).items() if name in state}
    others = {name: value for name, value in averaged.items() if not name.startswith(MODULE)}
    return {**{f'{MODULE}{prefix}{name}': value for name, value in weights.items()}, **others}
