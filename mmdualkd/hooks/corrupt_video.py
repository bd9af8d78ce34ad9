"""Names the videos and pictures that did not decode, and stops where they are too many."""

import logging

from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from ..datasets.robust import RobustDataset, source_of
from ..datasets.wrappers import plain_datasets
from ..errors import ConfigError, DataError, check_number
from ..registry import HOOKS

NAMED = 20


@HOOKS.register_module()
class CorruptVideoHook(Hook):
    """Counts and names the videos or pictures of an epoch that did not decode; too many of them end the run.

    It runs after the epoch's checkpoint is saved, so nothing that was trained is lost.

    Args:
        max_fraction: The part of a data set, in 0 to 1, that may fail in an epoch.

    Raises:
        DataError: If more than that failed in an epoch of training, validation or test.
    """

    priority = 'LOWEST'

    def __init__(self, max_fraction: float = 0.1) -> None:
        check_number(**{'CorruptVideoHook.max_fraction': max_fraction})
        if not 0 <= max_fraction <= 1:
            raise ConfigError(f'CorruptVideoHook.max_fraction={max_fraction} must be in 0 to 1')
        self.max_fraction = max_fraction

    def after_train_epoch(self, runner: Runner) -> None:
        self._report(runner.train_dataloader, f'train epoch {runner.epoch + 1}')

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self._report(runner.val_dataloader, 'validation')

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self._report(runner.test_dataloader, 'test')

    def _report(self, dataloader: DataLoader, when: str) -> None:
        for dataset in plain_datasets(dataloader.dataset):
            if not isinstance(dataset, RobustDataset):
                continue
            flags = dataset.flags.int()
            all_reduce(flags, 'max')
            dataset.flags.zero_()
            count = int(flags.sum())
            if not count:
                continue
            names = dataset.failed(flags)
            listed = ', '.join(names[:NAMED]) + (f' and {len(names) - NAMED} more' if len(names) > NAMED else '')
            message = (
                f'{when}: {count} of {len(dataset)} {dataset.noun} of {source_of(dataset)} did not decode: {listed} '
                f'(the last error here: {dataset.last_error})'
            )
            if count > self.max_fraction * len(dataset):
                raise DataError(f'{message}; more than max_fraction={self.max_fraction} of CorruptVideoHook')
            print_log(message, logger='current', level=logging.WARNING)
