"""How a run goes on: a line an interval, a line a validation, the end."""

import bisect
import datetime
import re
import time
from collections.abc import Collection
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.runner import BaseLoop, IterBasedTrainLoop, LogProcessor, Runner

from ..files import shown
from ..names import BATCH_ACCURACY
from .handlers import CONSOLE
from .plan import of_epochs, plan_of_test, plan_of_training, unwrapped

PAUSE = 30  # seconds between two lines of a validation or a test that takes long
OWN_ACCURACIES = {'top1_acc': 100, 'accuracy_top-1': 1}  # of models without a distiller; what makes them percents


class ConsoleHook(Hook):
    """Tells what a run is about to do, and how it goes on.

    The tools' runner brings it along (:func:`mmdualkd.launch.build_runner`); no config names it. What it tells of an
    interval are the figures of MMEngine's ``LoggerHook``, which :class:`TellingLogProcessor` hands over.
    """

    priority = 'LOWEST'  # when everything has been loaded and checked, and the best checkpoint is known

    def __init__(self) -> None:
        self._began = self._told = time.time()
        self._validation = 0.0  # seconds of the last one
        self._best: str | None = None

    def before_train(self, runner: Runner) -> None:
        runner.logger.info('\n'.join(plan_of_training(runner)))
        self._start, self._best = time.time(), runner.message_hub.get_info('best_ckpt')

    def before_test(self, runner: Runner) -> None:
        runner.logger.info('\n'.join(plan_of_test(runner)))

    def before_val_epoch(self, runner: Runner) -> None:
        self._began = self._told = time.time()

    before_test_epoch = before_val_epoch

    def interval(self, runner: Runner, batch: int, mode: str, figures: dict[str, float]) -> None:
        """Tells of an interval of the log.

        Args:
            runner: The runner.
            batch: Batches of a validation or test that are done.
            mode: ``'train'``, ``'val'`` or ``'test'``.
            figures: What MMEngine logs of it.
        """
        if mode == 'train':
            self._say(runner, train_line(runner, figures, self._validation))
        elif time.time() - self._told > PAUSE:
            self._told, spent = time.time(), time.time() - self._began
            batches = len(runner.val_dataloader if mode == 'val' else runner.test_dataloader)
            left = _span(spent / batch * (batches - batch))
            self._say(runner, f'{_name(mode)}: {batch:,} of {batches:,} batches, {left} left')

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self._validation = time.time() - self._began
        best = runner.message_hub.get_info('best_ckpt')
        done = '' if runner._train_loop is None else f' after {_done(runner)}'
        kept = ''
        if best and self._best != best:
            self._best, kept = best, f'; the best so far: {shown(best)}'
        self._say(runner, f'validation{done}: {_metrics(metrics)} ({_span(self._validation)}){kept}')

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        samples = len(runner.test_dataloader.dataset)
        self._say(runner, f'test: {_metrics(metrics)} ({samples:,} samples, {_span(time.time() - self._began)})')

    def after_train(self, runner: Runner) -> None:
        hub = runner.message_hub
        kept = [hub.get_info(key) for key in ('best_ckpt', 'last_ckpt')]
        kept = ' and '.join(shown(path) for path in dict.fromkeys(kept) if path)
        kept = f'; {kept}' if kept else ''
        self._say(runner, f'trained: {_done(runner)} in {_span(time.time() - self._start)}{kept}')

    @staticmethod
    def _say(runner: Runner, line: str) -> None:
        runner.logger.info(f'{time.strftime("%H:%M:%S")}  {line}', extra=CONSOLE)


class TellingLogProcessor:
    """A log processor of MMEngine's whose figures the console's hook learns as well.

    Args:
        processor: The runner's own.
        hook: Who tells them.
    """

    def __init__(self, processor: LogProcessor, hook: ConsoleHook) -> None:
        self._processor = processor
        self._hook = hook

    def __getattr__(self, name: str) -> Any:
        return getattr(self._processor, name)

    def get_log_after_iter(self, runner: Runner, batch_idx: int, mode: str) -> tuple[dict, str]:
        figures, text = self._processor.get_log_after_iter(runner, batch_idx, mode)
        self._hook.interval(runner, batch_idx + 1, mode, figures)
        return figures, text


def train_line(runner: Runner, figures: dict[str, float], validation: float = 0.0) -> str:
    """The line of an interval of training.

    Args:
        runner: The runner, in a step.
        figures: What MMEngine logs of the interval, with or without ``train/`` before each name.
        validation: The seconds of a validation; 0 as long as they are not known.
    """
    figures = {name.removeprefix('train/'): value for name, value in figures.items()}
    losses = {name.removeprefix('loss_'): value for name, value in figures.items() if name.startswith('loss_')}
    parts = [_place(runner), f'loss {figures.get("loss", float("nan")):.4g}']
    if len(losses) > 1:
        parts[-1] += f' ({", ".join(f"{name} {value:.3g}" for name, value in losses.items())})'
    if accuracies := _accuracies(figures):
        parts.append(f'top-1 % {", ".join(f"{name} {value:.0f}".strip() for name, value in accuracies.items())}')
    parts += weights_line(figures, getattr(unwrapped(runner), 'teachers', ()))
    if 'lr' in figures:
        parts.append(f'lr {figures["lr"]:.2g}')
    if 'time' in figures:
        parts.append(f'{figures["time"]:.3g} s a step, {figures.get("data_time", 0):.2g} of it for data')
    if 'memory' in figures:
        parts.append(f'{figures["memory"] / 1024:.1f} GB')
    left = MessageHub.get_current_instance().get_info('eta')
    if left is not None:
        done = runner.epoch if of_epochs(runner) else runner.iter
        validations = 0 if runner.val_loop is None else validations_left(runner.train_loop, done)
        parts.append(f'{_span(left + validation * validations)} left')
    return '  '.join(parts)


def weights_line(figures: dict[str, float], teachers: Collection[str]) -> list[str]:
    """What a line says of the teachers' weights; where terms weigh them differently, those of each term by its name."""
    of_terms: dict[str, list[str]] = {}
    for name, value in figures.items():
        match = re.match(r'([^/]+)/weight_(.+)$', name)
        if match and match[2] in teachers:
            of_terms.setdefault(match[1], []).append(f'{match[2]} {value:.2f}')
    shown = {term: ', '.join(weights) for term, weights in of_terms.items()}
    if len(set(shown.values())) < 2:
        return [f'weight {weights}' for weights in set(shown.values())]
    return [f'weight of {term}: {weights}' for term, weights in shown.items()]


def _place(runner: Runner) -> str:
    """Where training is."""
    done = runner.iter + 1
    if not of_epochs(runner):
        return f'iteration {done}/{runner.max_iters}'
    batches = len(runner.train_dataloader)
    digits = len(str(batches))
    return f'epoch {runner.epoch + 1}/{runner.max_epochs} {done - runner.epoch * batches:{digits}}/{batches}'


def _done(runner: Runner) -> str:
    return f'epoch {runner.epoch}' if of_epochs(runner) else f'iteration {runner.iter}'


def validations_left(loop: BaseLoop, done: int) -> int:
    """How often a training still validates.

    Args:
        loop: MMEngine's, of epochs or of iterations.
        done: Its epochs or iterations that are behind.
    """
    end = loop.max_iters if isinstance(loop, IterBasedTrainLoop) else loop.max_epochs
    count, ends = 0, [milestone - 2 for milestone in loop.dynamic_milestones[1:]]  # MMEngine looks at the next step
    for before, last, interval in zip([0, *ends], [*ends, end], loop.dynamic_intervals, strict=True):
        before, last = max(before, done, loop.val_begin - 1), min(last, end)
        count += max(last // interval - before // interval, 0)
    at_end = loop.dynamic_intervals[bisect.bisect(loop.dynamic_milestones, end + 1) - 1]
    return count + (end > done and end >= loop.val_begin and end % at_end > 0)  # the last one is followed by one always


def _accuracies(figures: dict[str, float]) -> dict[str, float]:
    """Accuracies on the batch in percent, by model; that of a model alone has no name."""
    own = {name: value for name, value in figures.items() if name.startswith(BATCH_ACCURACY)}
    found = {name.removeprefix(BATCH_ACCURACY): 100 * value for name, value in own.items()}
    for name, scale in OWN_ACCURACIES.items():
        if not found and name in figures:
            found[''] = scale * figures[name]
    return found


def _metrics(metrics: dict | None) -> str:
    return '  '.join(
        f'{name}: {value:.4f}' if isinstance(value, float) else f'{name}: {value}'
        for name, value in (metrics or {}).items()
    )


def _name(mode: str) -> str:
    return dict(val='validation', test='test')[mode]


def _span(seconds: float) -> str:
    """A time in hours, minutes and seconds."""
    return str(datetime.timedelta(seconds=round(seconds)))
