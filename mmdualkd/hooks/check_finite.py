"""Stops a training that has left the finite numbers."""

import math
from dataclasses import dataclass

import torch
from mmengine.dist import all_gather_object, all_reduce, get_world_size
from mmengine.hooks import Hook, LoggerHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from ..compat.training import saves_after_iteration
from ..errors import DivergenceError, listed
from ..files import shown
from ..names import FILES
from ..registry import HOOKS
from ..replay.record import KeptStep, LastSteps, not_finite, write_step
from .epoch_seed import EpochSeedHook

INTERVAL = 50  # iterations, where no LoggerHook says another
NAMED = 32


@dataclass
class _Fault:
    """What a process saw first.

    Attributes:
        iteration: The step whose doing it is, from 1.
        text: What is wrong.
        step: That step, if it is kept.
    """

    iteration: int
    text: str
    step: KeptStep | None


@HOOKS.register_module()
class CheckFiniteHook(Hook):
    """Ends a training whose losses or weights are NaN or infinite, of a distiller or of a plain model.

    MMEngine reads each step's losses for its log; they are looked at there, and nothing is asked of the device. The
    weights are looked at before each validation and each checkpoint, so the last one on disk is a good one.
    Gradients are not looked at: under float16 the loss scaler skips a step whose gradients overflow, as it should.

    The step that went wrong, or the one whose update broke the weights, is written to ``divergence_<iteration>.pt`` in
    the work directory with its batch and the state before it; ``tools/replay.py`` runs it again. In a distributed job
    all processes stop with the next line of the log, with what each of them saw first.

    Raises:
        DivergenceError: Names the iteration, the losses, the model whose outputs were not finite, and the batch.
    """

    priority = 'ABOVE_NORMAL'  # before EMAHook takes the weights into its average, and CheckpointHook saves them

    def __init__(self) -> None:
        self._fault: _Fault | None = None
        self._steps: LastSteps | None = None
        self._iteration = 0
        self._trained = False

    def before_train(self, runner: Runner) -> None:
        loggers = [hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)]
        self._interval = min(loggers, default=INTERVAL)
        self._steps = LastSteps(_model(runner))

    def before_train_epoch(self, runner: Runner) -> None:
        self._steps.look_again()

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        if self._steps is not None:
            self._steps.look_again()

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None) -> None:
        if self._fault is None:
            self._steps.keep(runner.iter + 1, data_batch)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        self._iteration, self._trained = runner.iter + 1, True
        if self._fault is None:
            self._fault = self._faulty_losses(runner, outputs or {})
        saves = saves_after_iteration(runner)
        alone = self._fault is not None and get_world_size() == 1
        if saves or alone or self.every_n_inner_iters(batch_idx, self._interval):
            self._check(runner, weights=saves)

    def after_train_epoch(self, runner: Runner) -> None:
        self._check(runner, weights=True)

    def before_val_epoch(self, runner: Runner) -> None:
        if self._trained:  # since the last look at the weights; its end may save the best ones
            self._check(runner, weights=True)

    def _faulty_losses(self, runner: Runner, outputs: dict) -> _Fault | None:
        """What is wrong with the losses of the step that was made, as MMEngine has read them."""
        read = runner.message_hub.log_scalars
        losses = {
            name: read[f'train/{name}'].current() for name in outputs if 'loss' in name and f'train/{name}' in read
        }
        if all(math.isfinite(value) for value in losses.values()):
            return None
        model, step = _model(runner), self._steps.of(self._iteration)
        if step is not None and (names := step.faulty()):
            return self._of_weights(self._iteration - 1, names, len(step.state))
        text = f'{_losses(losses, model)}{not_finite_outputs(model)}'
        return _Fault(self._iteration, text, step)

    def _faulty_weights(self, runner: Runner) -> _Fault | None:
        """Weights that are no finite numbers, though the losses still were."""
        state = _model(runner).state_dict()
        names = not_finite(state)
        if not names:
            return None
        step = self._steps.of(self._iteration)
        since = self._iteration if step is None or not step.faulty() else self._iteration - 1
        return self._of_weights(since, names, len(state))

    def _of_weights(self, iteration: int, names: list[str], count: int) -> _Fault:
        """A step whose update broke the weights; without it, some step before has."""
        step = self._steps.of(iteration)
        if step is None or step.faulty():
            iteration, step = self._iteration, None
        when = 'after the step' if step is not None else 'after a step since the last look at them'
        text = f'{len(names)} of {count} weights are not finite {when} ({listed(names, 3)}), though its losses were'
        return _Fault(iteration, text, step)

    def _check(self, runner: Runner, weights: bool) -> None:
        fault, self._fault = self._fault, None
        if fault is None and weights:
            fault = self._faulty_weights(runner)
        self._trained = self._trained and not weights
        anywhere = torch.tensor(int(fault is not None))
        all_reduce(anywhere, 'max')
        if not anywhere:
            return
        first = min(one for one in all_gather_object(fault and fault.iteration) if one is not None)
        told = None
        if fault is not None and fault.iteration == first:
            told = f'iteration {first}: {fault.text}'
            if fault.step is not None:
                seed = next((hook.seed for hook in runner.hooks if isinstance(hook, EpochSeedHook)), None)
                told += f'; the batch: {_named(fault.step.batch)}. {write_step(runner, fault.step, seed, told)}'
        told = sorted({one for one in all_gather_object(told) if one is not None})
        last = runner.message_hub.get_info('last_ckpt')
        kept = f'the last checkpoint is {shown(last)}' if last else 'no checkpoint had been saved before'
        raise DivergenceError(
            f'{"; ".join(told)}. Nothing was saved since; {kept}. Look at those clips, lower the learning rate, warm '
            'up, or clip gradients (optim_wrapper.clip_grad)'
        )


def _model(runner: Runner) -> nn.Module:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def _named(batch: object) -> str:
    """What the samples of a batch say about where they come from."""
    samples = batch.get('data_samples') if isinstance(batch, dict) else None
    metas = [getattr(sample, 'metainfo', {}) for sample in samples or ()]
    named = []
    for meta in metas:
        file = next((meta[key] for key in FILES if meta.get(key)), '')
        number = f'sample {meta["sample_idx"]}' if 'sample_idx' in meta else ''
        named.append(f'{file} ({number})' if file and number else file or number or 'a sample without a name')
    return listed(named, NAMED)


def _losses(values: dict[str, float], model: nn.Module) -> str:
    """The losses that are no finite numbers, and whose they are."""
    bad = [name for name, value in values.items() if not math.isfinite(value)]
    bad = [name for name in bad if name != 'loss'] or bad  # their sum says nothing more
    return ', '.join(f'{name}={values[name]} ({_whose(name, model)})' for name in bad)


def not_finite_outputs(model: nn.Module) -> str:
    """The models whose outputs were not finite in the last step, as an error ends; nothing if all were."""
    places = [_place(name) for name, finite in getattr(model, 'finite', {}).items() if not finite]
    return f'; outputs that are not finite: {", ".join(places)}' if places else ''


def _whose(loss: str, model: nn.Module) -> str:
    term = loss.removeprefix('loss_')
    if term in getattr(model, 'terms', ()):
        return f'model.terms.{term}'
    return "the student's own" if hasattr(model, 'student') else "the model's own"


def _place(name: str) -> str:
    return f'model.{name}' if name in ('student', 'assistant') else f'model.teachers.{name}'
