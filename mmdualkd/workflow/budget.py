"""How many epochs fit into a time."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from mmengine.config import Config

from ..checks.speed import Speed, measure_speed
from ..errors import ConfigError
from ..machine import in_time
from ..top_keys import settle
from .leaves import test_clips
from .recipes import VALIDATIONS
from .writing import write_leaf

if TYPE_CHECKING:
    from .plan import Plan

FIXED = 20.0  # seconds that a stage takes to begin and to end


def fit_epochs(plan: 'Plan', lengths: Mapping[str, int], seconds: float) -> dict[str, int]:
    """Shortens all trainings by one factor, so that they end within a time by the speed that is measured.

    Args:
        plan: The trainings.
        lengths: Epochs of ``student`` and ``teachers`` by the recipe; they are not exceeded.
        seconds: The time for all stages.

    Returns:
        The epochs that fit.

    Raises:
        ConfigError: If not even one epoch of each does; says how long that takes.
    """
    per_epoch, fixed = dict.fromkeys(lengths, 0.0), 2 * FIXED
    share = plan.job.processes if torch.cuda.is_available() else 1  # processes on a CPU share its cores
    for training, speed in measured(plan, lengths).items():
        kind = 'teachers' if training.startswith('teachers/') else 'student'
        epochs = lengths[kind]
        tests = test_clips(plan.student.model) if kind == 'student' else 0
        if plan.job.tested:
            tests *= plan.job.tested / plan.job.validated
        validations = min(VALIDATIONS, epochs) + tests
        per_epoch[kind] += speed.train_epoch_seconds / share
        fixed += FIXED + validations * speed.val_epoch_seconds / share
        print(
            f'{training}: {speed.train_epoch_seconds:.1f} s an epoch, {speed.val_epoch_seconds:.1f} s a validation; '
            f'{epochs} epochs by the recipe',
            flush=True,
        )
    whole = sum(lengths[kind] * per_epoch[kind] for kind in lengths)
    factor = min((seconds - fixed) / whole, 1.0)
    fitted = {kind: max(int(epochs * factor), 1) for kind, epochs in lengths.items()}
    expected = fixed + sum(fitted[kind] * per_epoch[kind] for kind in lengths)
    if expected > 1.05 * seconds:
        raise ConfigError(
            f'--time-budget: {in_time(seconds)} is too short, for an epoch of every stage with its tests takes '
            f'{in_time(expected)}'
        )
    print(
        f'{in_time(expected)} of {in_time(seconds)}: '
        f'{fitted["teachers"]} epochs a teacher, {fitted["student"]} the student'
    )
    return fitted


def measured(plan: 'Plan', lengths: Mapping[str, int]) -> dict[str, Speed]:
    """The speed of each training, by its folder; teachers that are not trained yet have random weights."""
    speeds = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (training, leaf) in enumerate(plan.trainings(lengths).items()):
            path = Path(folder, f'leaf{number}.py')
            write_leaf(path, leaf, path.parent)
            cfg = Config.fromfile(path)
            cfg.merge_from_dict(plan.options())
            settle(cfg, path)
            speeds[training] = measure_speed(
                cfg, plan.trained if 'teachers' in cfg.model and cfg.model.teachers else ()
            )
    return speeds
