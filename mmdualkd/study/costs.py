"""What the rows of a study cost."""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..errors import ConfigError
from .configs import config_of
from .runs import Run


def step_seconds(runs: Sequence[Run]) -> float | None:
    """The mean over trainings of the median time of a step; None where no log has one."""
    steps = [run.state.result.step_seconds for run in runs if run.state.result and run.state.result.step_seconds]
    return statistics.mean(steps) if steps else None


def teacher_costs(runs: Sequence[Run]) -> dict[str, tuple[float, str]]:
    """What teachers add to a step, by row that runs them in every step.

    It is the difference of the step's time and that of the same row with a cache or, where there is none, of a row
    without teachers that has the same student and batch; terms and the teachers' clips are part of the second.

    Args:
        runs: The rows' trainings.

    Returns:
        Mean seconds over the splits where both are known, and the row that they were compared with.
    """
    parts = list(dict.fromkeys((run.row, run.split) for run in runs if not run.teacher))
    timed: dict[tuple[str, str], tuple[float, Run, Config]] = {}
    for part in parts:
        of_part = [run for run in runs if (run.row, run.split) == part and run.state.result]
        if (step := step_seconds(of_part)) and (cfg := _config(of_part[0])):
            timed[part] = step, of_part[0], cfg
    costs: dict[str, dict[str, list[float]]] = {}
    for (row, split), (step, run, cfg) in timed.items():
        if not cfg.model.get('teachers') or _cached(run, cfg):
            continue
        others = [one for (name, place), one in timed.items() if place == split and name != row]
        same = [one for one in others if _cached(*one[1:]) and _without_cache(one[2]) == _without_cache(cfg)]
        alone = [one for one in others if not one[2].model.get('teachers') and _student(one[2]) == _student(cfg)]
        for other, reference, _ in (same or alone)[:1]:
            costs.setdefault(row, {}).setdefault(reference.row, []).append(step - other)
    return {row: (statistics.mean(found[name]), name) for row, found in costs.items() for name in list(found)[:1]}


def _config(run: Run) -> Config | None:
    try:
        return config_of(run.file, run.options)
    except ConfigError:  # it was there when the row was trained
        return None


def _cached(run: Run, cfg: Config) -> bool:
    return bool(run.state.cache or cfg.model.get('teacher_cache'))


def _without_cache(cfg: Config) -> str:
    model = {name: value for name, value in cfg.model.items() if name != 'teacher_cache'}
    return _text({**{name: value for name, value in cfg.items() if name != 'work_dir'}, 'model': model})


def _student(cfg: Config) -> str:
    """The student's network, be it a distiller's or the whole model, and the batch."""
    model = cfg.model.student.get('config') if 'student' in cfg.model else cfg.model
    if isinstance(model, str) and Path(model).is_file():
        model = config_of(model, {}).model
    return _text([model, cfg.train_dataloader.get('batch_size')])


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
