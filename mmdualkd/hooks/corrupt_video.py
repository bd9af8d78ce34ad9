"""Names the videos and pictures that did not decode, and stops where they are too many."""

import logging
from collections.abc import Mapping

from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ..datasets.robust import RobustDataset, source_of
from ..datasets.wrappers import plain_datasets
from ..errors import ConfigError, DataError, check_number, listed
from ..names import UNDECODED
from ..registry import HOOKS

NAMED = 20
MAX_FRACTION = 0.1


@HOOKS.register_module()
class CorruptVideoHook(Hook):
    """Counts and names the videos or pictures of an epoch that did not decode; too many of them end the run.

    It runs after the epoch's checkpoint is saved, so nothing that was trained is lost. Those of a validation are also a
    line of ``scalars.json``, ``undecoded``, where studies find them.

    Args:
        max_fraction: The part of a data set, in 0 to 1, that may fail in an epoch.

    Raises:
        DataError: If more than that failed in an epoch of training, validation or test.
    """

    priority = 'LOWEST'

    def __init__(self, max_fraction: float = MAX_FRACTION) -> None:
        check_number(**{'CorruptVideoHook.max_fraction': max_fraction})
        if not 0 <= max_fraction <= 1:
            raise ConfigError(f'CorruptVideoHook.max_fraction={max_fraction} must be in 0 to 1')
        self.max_fraction = max_fraction

    def after_train_epoch(self, runner: Runner) -> None:
        report_failed(runner.train_dataloader.dataset, f'train epoch {runner.epoch + 1}', self.max_fraction)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        if count := report_failed(runner.val_dataloader.dataset, 'validation', self.max_fraction):
            runner.visualizer.add_scalar(UNDECODED, count, step=runner.iter)  # behind the accuracy that it spoils

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        report_failed(runner.test_dataloader.dataset, 'test', self.max_fraction)


def report_failed(dataset: object, when: str, max_fraction: float = MAX_FRACTION) -> int:
    """Names the samples of all processes that did not decode since the flags were last zeroed, and zeroes them.

    Args:
        dataset: A data set, in its wrappers.
        when: What has ended, for messages.
        max_fraction: The part of a data set that may fail.

    Returns:
        How many there are.

    Raises:
        DataError: If more did.
    """
    failed = 0
    for part in plain_datasets(dataset):
        if not isinstance(part, RobustDataset):
            continue
        flags = part.flags.int()
        all_reduce(flags, 'max')
        part.flags.zero_()
        count = int(flags.sum())
        if not count:
            continue
        names = part.failed(flags)
        message = (
            f'{when}: {count} of {len(part)} {part.noun} of {source_of(part)} did not decode: {listed(names, NAMED)} '
            f'(the last error here: {part.last_error})'
        )
        if count > max_fraction * len(part):
            raise DataError(f'{message}; more than max_fraction={max_fraction} of CorruptVideoHook')
        print_log(message, logger='current', level=logging.WARNING)
        failed += count
    return failed


def max_fraction_of(cfg: Mapping) -> float:
    """The part of a data set that may fail to decode, by a config's hook."""
    hooks = [hook for hook in cfg.get('custom_hooks') or () if str(hook.get('type')).endswith('CorruptVideoHook')]
    return next((hook['max_fraction'] for hook in hooks if 'max_fraction' in hook), MAX_FRACTION)
