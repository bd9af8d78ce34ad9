"""What the last steps of a training need to be run again."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import get_rank, get_world_size
from mmengine.runner import Runner
from torch import Tensor, nn

from ..errors import CheckpointError
from ..files import open_whole, shown
from .plain import plain

FORMAT = 'mmdualkd step 1'
KEYS = ('said', 'iteration', 'epoch', 'rank', 'processes', 'seed', 'device', 'config', 'batch', 'state')  # beside it
COMMAND = 'python -m mmdualkd replay'


@dataclass
class KeptStep:
    """A step, before it is made.

    Attributes:
        iteration: Its number, from 1.
        batch: As the data loader gave it.
        state: The model's weights and statistics, copies on its device.
    """

    iteration: int = 0
    batch: Any = None
    state: dict[str, Tensor] = field(default_factory=dict)

    def faulty(self) -> list[str]:
        """Names of the tensors that were not finite already."""
        return not_finite(self.state)


class LastSteps:
    """Keeps the last two steps: what is wrong with a loss may be the doing of the step before.

    Their states are copied on the device, in the stream of the training, so nothing waits; what it takes is memory for
    two copies of the weights that are trained.

    Args:
        model: The model, without what wraps it.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._steps: list[KeptStep] = []
        self._tensors: dict[str, Tensor] | None = None

    def look_again(self) -> None:
        """The model's tensors may be others from now on (an average took their places)."""
        self._tensors = None

    def keep(self, iteration: int, batch: Any) -> None:
        """Keeps a step that is about to be made, in place of the one before the last."""
        if self._tensors is None:
            values = self._model.state_dict()
            self._tensors = {name: value for name, value in values.items() if isinstance(value, Tensor)}
        step = self._steps.pop(0) if len(self._steps) > 1 else KeptStep()
        step.iteration, step.batch = iteration, batch
        _copy(self._tensors, step.state)
        self._steps.append(step)

    def of(self, iteration: int) -> KeptStep | None:
        """The step of that number, if it is kept."""
        return next((step for step in self._steps if step.iteration == iteration), None)


def not_finite(state: dict[str, Tensor]) -> list[str]:
    """Names of the tensors that hold what is no finite number; the device is asked once unless there are some."""
    tensors = {name: value for name, value in state.items() if value.is_floating_point()}
    if not tensors or bool(torch.stack([value.isfinite().all() for value in tensors.values()]).all()):
        return []
    return [name for name, value in tensors.items() if not value.isfinite().all()]


def _copy(tensors: dict[str, Tensor], kept: dict[str, Tensor]) -> None:
    """Copies tensors, into those of an earlier copy where these fit."""
    fitting: dict[tuple, tuple[list, list]] = {}
    for name in set(kept) - set(tensors):
        del kept[name]
    for name, value in tensors.items():
        if name not in kept or kept[name].shape != value.shape or kept[name].dtype != value.dtype:
            kept[name] = value.clone()
        else:
            into, of = fitting.setdefault((value.device, value.dtype), ([], []))
            into.append(kept[name])
            of.append(value)
    for into, of in fitting.values():
        torch._foreach_copy_(into, of)


def write_step(runner: Runner, step: KeptStep, seed: int | None, said: str) -> str:
    """Writes a step into the work directory.

    Args:
        runner: The runner.
        step: The step.
        seed: From which each iteration's random numbers are drawn (:class:`~mmdualkd.hooks.EpochSeedHook`); None if
            they are not.
        said: What was wrong with it.

    Returns:
        What to tell of it: the command that runs it again, or why there is none.
    """
    of_rank = f'_rank{get_rank()}' if get_world_size() > 1 else ''
    # .pt: no checkpoint, which are found by .pth
    path = Path(runner.work_dir, f'divergence_{step.iteration}{of_rank}.pt')
    content = dict(
        format=FORMAT,
        said=said,
        iteration=step.iteration,
        epoch=runner.epoch + 1,
        rank=get_rank(),
        processes=get_world_size(),
        seed=seed,
        device=next(iter(step.state.values())).device.type,
        config=plain(runner.cfg.to_dict()),
        batch=plain(step.batch),
        state=plain(step.state),
    )
    try:
        with open_whole(path, 'wb') as file:
            torch.save(content, file)
    except (CheckpointError, RuntimeError) as error:
        return f'the step could not be kept: {error}'
    return f'{COMMAND} {shown(path)} runs that step again'
