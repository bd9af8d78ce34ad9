"""How long training will take, by a few real steps at the real size on the real data."""

import math
import statistics
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.config import Config

from ..errors import ConfigError
from ..hooks.check_finite import not_finite_outputs
from ..machine import cores
from .job import Job, batch_size

STEPS = 3  # that are measured, after one that warms up
ENOUGH = 20.0  # seconds after which no further one begins


@dataclass(frozen=True)
class Pace:
    """What one batch takes.

    Attributes:
        decode: Seconds in which one process decodes and augments a batch; where frames are kept, from the second time.
        step: Seconds of the step, without the decoding.
        batches: Batches of an epoch in one process.
        workers: Worker processes that decode.
    """

    decode: float
    step: float
    batches: int
    workers: int

    @property
    def seconds(self) -> float:
        """Seconds from one batch to the next while an epoch runs, with the workers that this machine has cores for.

        Without workers a step waits for its batch. Beside a GPU the slower of the two sets the pace; on a CPU they
        share the cores, and add up.
        """
        hands = min(self.workers, cores())
        if not hands:
            return self.step + self.decode
        if torch.cuda.is_available():
            return max(self.step, self.decode / hands)
        return max(self.step + self.decode / cores(), self.decode / hands)

    @property
    def epoch(self) -> float:
        """Seconds of an epoch."""
        return self.batches * self.seconds


@dataclass(frozen=True)
class Speed:
    """What training takes on this machine, in one process.

    Attributes:
        train_epoch_seconds: An epoch of training.
        val_epoch_seconds: A validation; 0 without one.
        step_seconds: A training step, without decoding.
        decode_seconds_per_batch: Decoding a training batch in one process.
        peak_bytes: Memory that models and steps took at most: the GPU's, or on a CPU what the process grew by.
    """

    train_epoch_seconds: float
    val_epoch_seconds: float
    step_seconds: float
    decode_seconds_per_batch: float
    peak_bytes: int


def measure_speed(cfg: Config, untrained: Collection[str] = ()) -> Speed:
    """Measures a training by a few steps of it; nothing of them is kept.

    Args:
        cfg: The config, as :func:`~mmdualkd.launch.load_config` gives it.
        untrained: Teachers whose checkpoints are not there yet; they get random weights.

    Raises:
        DistillError: If the training cannot be built.
    """
    with Job(cfg, untrained) as job:
        train, _ = training_pace(job)
        val, _ = validation_pace(job) if job.has('val') else (None, None)
        return Speed(train.epoch, val.epoch if val else 0.0, train.step, train.decode, job.peak_bytes())


def training_pace(job: Job) -> tuple[Pace, dict[str, float]]:
    """Trains a few steps in memory; gives their pace, and the losses of the last one by name, or of the first
    that are not finite.

    Raises:
        ConfigError: If the memory does not suffice.
    """
    return job.once('the training step', lambda: _training_pace(job))


def _training_pace(job: Job) -> tuple[Pace, dict[str, float]]:
    runner = job.training() if not job.cached else job.started()  # the start gives each sample what the cache has of it
    losses: dict[str, float] = {}
    runner.model.train()
    runner.message_hub.update_info('iter', getattr(runner.model, 'warmup_iters', 0))  # terms count in full
    job.first_weights = [weight.detach().cpu().clone() for weight in job.weights()]

    def step(data: Any) -> None:
        found = runner.model.train_step(data, optim_wrapper=runner.optim_wrapper)
        if all(map(math.isfinite, losses.values())):  # after a step that was not, all is nan
            losses.update({name: torch.as_tensor(value).item() for name, value in found.items() if 'loss' in name})
            job.not_finite = not_finite_outputs(runner.model)

    return _pace(job, 'train', step), losses


@torch.no_grad()
def to_first_weights(job: Job) -> None:
    """Takes back what :func:`training_pace` has trained."""
    for weight, first in zip(job.weights(), job.first_weights, strict=True):
        weight.copy_(first)


def validation_pace(job: Job) -> tuple[Pace, dict[str, float]]:
    """Validates a few batches; gives their pace, and the metrics on them by name."""
    return job.once('the validation step', lambda: _validation_pace(job))


def _validation_pace(job: Job) -> tuple[Pace, dict[str, float]]:
    runner = job.validation()
    evaluator, counts = runner.val_loop.evaluator, []
    runner.model.eval()

    @torch.no_grad()
    def step(data: Any) -> None:
        outputs = runner.model.val_step(data)
        evaluator.process(data_samples=outputs, data_batch=data)
        counts.append(len(outputs))

    pace = _pace(job, 'val', step)
    return pace, evaluator.evaluate(sum(counts))


def _pace(job: Job, split: str, step: Callable[[Any], None]) -> Pace:
    decode, steps = [], []
    begin = time.perf_counter()
    try:
        while len(steps) <= STEPS:
            if job.keeps(split):
                job.batch(split, len(steps))  # decodes them for all epochs
            before = time.perf_counter()
            data = job.batch(split, len(steps))
            decoded = time.perf_counter()
            step(data)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            decode.append(decoded - before)
            steps.append(time.perf_counter() - decoded)
            if len(steps) > 1 and time.perf_counter() - begin > ENOUGH:
                break
    except torch.OutOfMemoryError as error:
        size = batch_size(job.loader(split))
        raise ConfigError(
            f'{split}_dataloader.batch_size={size} does not fit into the memory of the GPU: lower it, train with '
            "--amp, or set with_cp=True in the student's backbone"
        ) from error
    workers = job.cfg[f'{split}_dataloader'].get('num_workers', 0)
    return Pace(statistics.median(decode), statistics.median(steps[1:]), max(len(job.loader(split)), 1), workers)
