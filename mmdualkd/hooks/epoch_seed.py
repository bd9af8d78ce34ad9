"""Random numbers that depend on the seed and the epoch, not on what ran before."""

import random

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..datasets.robust import RobustDataset
from ..datasets.wrappers import plain_datasets
from ..registry import HOOKS


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seeds every training epoch anew, so that a resumed run ends with the weights of an unbroken one, bit for bit.

    The main process (dropout, mixup) is seeded by (seed, epoch, rank); each sample of our data sets by (seed, epoch,
    sample), whatever the number of workers. Resuming takes the seed from the checkpoint, also for the sampler's order.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        sampler = runner.train_dataloader.sampler
        if hasattr(sampler, 'seed'):  # built before the checkpoint, and with it the seed, was read
            sampler.seed = runner.seed

    def before_train_epoch(self, runner: Runner) -> None:
        for part, dataset in enumerate(plain_datasets(runner.train_dataloader.dataset)):
            if isinstance(dataset, RobustDataset):
                dataset.set_clock(runner.seed, runner.epoch, part)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None) -> None:
        if batch_idx:
            return
        # Not before the epoch: how many numbers the start of a data loader draws depends on its workers.
        seeds = np.random.SeedSequence([runner.seed, runner.epoch, get_rank()]).generate_state(3)
        random.seed(int(seeds[0]))
        np.random.seed(seeds[1])
        torch.manual_seed(int(seeds[2]))
