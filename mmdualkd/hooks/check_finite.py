"""Stops a training that has left the finite numbers."""

import math
from dataclasses import dataclass

import torch
from mmengine.dist import all_gather_object, all_reduce
from mmengine.hooks import CheckpointHook, Hook, LoggerHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from ..errors import DivergenceError
from ..registry import HOOKS

INTERVAL = 50  # iterations, where no LoggerHook says another
NAMED = 32
FILES = ('filename', 'img_path')


@dataclass
class _Step:
    """What is kept of a step until it is read; the tensors stay on the device."""

    iteration: int
    names: list[str]
    losses: Tensor
    models: dict[str, Tensor]
    files: list[str]


@HOOKS.register_module()
class CheckFiniteHook(Hook):
    """Ends a training whose losses or weights are NaN or infinite, of a distiller or of a plain model.

    Each step's losses stay on the device and are read together: with each line of the log, before each validation and
    before each checkpoint. The weights are looked at before each checkpoint, so the last one on disk is a good one.
    Gradients are not looked at: under float16 the loss scaler skips a step whose gradients overflow, as it should.
    In a distributed job all processes stop, with what each of them saw first.

    Raises:
        DivergenceError: Names the iteration, the losses, the model whose outputs were not finite, and the batch.
    """

    priority = 'ABOVE_NORMAL'  # before EMAHook takes the weights into its average, and CheckpointHook saves them

    def __init__(self) -> None:
        self._steps: list[_Step] = []
        self._iteration = 0
        self._trained = False

    def before_train(self, runner: Runner) -> None:
        loggers = [hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)]
        self._interval = min(loggers, default=INTERVAL)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        self._iteration, self._trained = runner.iter + 1, True
        losses = {name: value for name, value in (outputs or {}).items() if 'loss' in name}
        if losses:
            values = torch.stack([torch.as_tensor(value).detach().float() for value in losses.values()])
            models = dict(getattr(_model(runner), 'finite', {}))
            self._steps.append(_Step(self._iteration, list(losses), values, models, _files(data_batch)))
        saves = any(_saves_now(hook, runner) for hook in runner.hooks if isinstance(hook, CheckpointHook))
        if saves or self.every_n_inner_iters(batch_idx, self._interval):
            self._check(runner, weights=saves)

    def after_train_epoch(self, runner: Runner) -> None:
        self._check(runner, weights=True)

    def before_val_epoch(self, runner: Runner) -> None:
        if self._trained:  # since the last look at the weights; its end may save the best ones
            self._check(runner, weights=True)

    def _check(self, runner: Runner, weights: bool) -> None:
        fault = _first_fault(self._steps, _model(runner))
        self._steps = []
        if fault is None and weights:
            fault = _faulty_weights(_model(runner), self._iteration)
        self._trained = self._trained and not weights
        anywhere = torch.tensor(int(fault is not None))
        all_reduce(anywhere, 'max')
        if not anywhere:
            return
        faults = sorted({fault for fault in all_gather_object(fault) if fault is not None})
        first = [text for iteration, text in faults if iteration == faults[0][0]]
        last = runner.message_hub.get_info('last_ckpt')
        kept = f'the last checkpoint is {last}' if last else 'no checkpoint had been saved before'
        raise DivergenceError(
            f'{"; ".join(first)}. Nothing was saved since; {kept}. Look at those clips, lower the learning rate, warm '
            'up, or clip gradients (optim_wrapper.clip_grad)'
        )


def _model(runner: Runner) -> nn.Module:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def _saves_now(hook: CheckpointHook, runner: Runner) -> bool:
    """Whether a hook that counts iterations saves after this one."""
    if hook.by_epoch:
        return False
    last = hook.save_last and hook.is_last_train_iter(runner)
    return last or hook.every_n_train_iters(runner, hook.interval, hook.save_begin)


def _files(data_batch: dict | None) -> list[str]:
    """What the samples of a batch say about where they come from."""
    samples = data_batch.get('data_samples') if isinstance(data_batch, dict) else None
    metas = [getattr(sample, 'metainfo', {}) for sample in samples or ()]
    named = []
    for meta in metas:
        file = next((meta[key] for key in FILES if meta.get(key)), '')
        number = f'sample {meta["sample_idx"]}' if 'sample_idx' in meta else ''
        named.append(f'{file} ({number})' if file and number else file or number or 'a sample without a name')
    return named


def _first_fault(steps: list[_Step], model: nn.Module) -> tuple[int, str] | None:
    """The first step with a loss that is no finite number, as its iteration and a description."""
    if not steps or bool(torch.cat([step.losses for step in steps]).isfinite().all()):  # one look at the device
        return None
    step = next(step for step in steps if not step.losses.isfinite().all())
    values = dict(zip(step.names, step.losses.tolist(), strict=True))
    bad = [name for name, value in values.items() if not math.isfinite(value)]
    bad = [name for name in bad if name != 'loss'] or bad  # their sum says nothing more
    losses = ', '.join(f'{name}={values[name]} ({_whose(name, model)})' for name in bad)
    models = [_place(name) for name, finite in step.models.items() if not finite]
    outputs = f'; outputs that are not finite: {", ".join(models)}' if models else ''
    more = len(step.files) - NAMED
    files = ', '.join(step.files[:NAMED]) + (f' and {more} more' if more > 0 else '')
    return step.iteration, f'iteration {step.iteration}: {losses}{outputs}; the batch: {files}'


def _whose(loss: str, model: nn.Module) -> str:
    term = loss.removeprefix('loss_')
    if term in getattr(model, 'terms', ()):
        return f'model.terms.{term}'
    return "the student's own" if hasattr(model, 'student') else "the model's own"


def _place(name: str) -> str:
    return f'model.{name}' if name in ('student', 'assistant') else f'model.teachers.{name}'


def _faulty_weights(model: nn.Module, iteration: int) -> tuple[int, str] | None:
    """Weights that are no finite numbers, though the losses still were."""
    tensors = {name: value for name, value in model.state_dict().items() if value.is_floating_point()}
    if not tensors or bool(torch.stack([value.isfinite().all() for value in tensors.values()]).all()):
        return None
    names = [name for name, value in tensors.items() if not value.isfinite().all()]
    return iteration, (
        f'iteration {iteration}: {len(names)} of {len(tensors)} weights are not finite after the step '
        f'({", ".join(names[:3])}{", ..." if len(names) > 3 else ""}), though its losses were'
    )
