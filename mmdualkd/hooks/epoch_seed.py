"""Random numbers that depend on the seed, the epoch and the iteration, not on what ran before."""

from mmengine.dataset import InfiniteSampler
from mmengine.dist import broadcast_object_list, get_rank
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch.utils.data import BatchSampler, DataLoader

from ..datasets.robust import RobustDataset
from ..datasets.visits import CountingSampler
from ..datasets.wrappers import plain_datasets
from ..registry import HOOKS
from ..seeds import seed_step

DONE = 'iterations_of_epoch'  # the key in a checkpoint's meta: those done, and all


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seeds epochs and iterations anew, so that a resumed run ends with the weights of an unbroken one, bit for bit.

    The main process (dropout, mixup) is seeded by (seed, iteration, rank); each sample of our data sets by (seed,
    epoch, position in the data set, how often it came up), whatever the number of workers. The seed is the first
    process's, on resuming that of the checkpoint; all samplers have it, also where the runners' seeds differ
    (``diff_rank_seed``).

    It holds for MMEngine's epoch-based loop with checkpoints of epochs or of iterations, and for its iteration-based
    loop with checkpoints of iterations (there MMEngine decodes again what was trained on, to pass over it). A stop in
    the middle of an epoch with a batch sampler of the config's own, or going on with other batches, begins that epoch
    again. Gradients that were accumulated but not yet applied are in no checkpoint.
    """

    priority = 'VERY_HIGH'
    done = 0  # iterations of this epoch

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        checkpoint['meta'][DONE] = self.done, len(runner.train_dataloader)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if not runner._resume:
            return  # and a test has no data to train on
        loader = runner.train_dataloader
        of_epochs = not hasattr(runner.train_loop, 'dataloader_iterator') and type(loader.batch_sampler) is BatchSampler
        if of_epochs:
            done, of = (checkpoint.get('meta') or {}).get(DONE, (0, 0))
            self.done = done if of == len(loader) else 0  # with other batches the epoch begins again

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        self.done += 1

    def after_train_epoch(self, runner: Runner) -> None:
        self.done = 0

    def before_train(self, runner: Runner) -> None:
        seeds = [runner.seed]
        broadcast_object_list(seeds)
        self.seed = seeds[0]
        sampler = sampler_of(runner.train_dataloader)
        if hasattr(sampler, 'seed'):  # built before the checkpoint, and with it the seed, was read
            sampler.seed = self.seed

    def before_train_epoch(self, runner: Runner) -> None:
        loader, loop = runner.train_dataloader, runner.train_loop
        endless = type(getattr(loop, 'dataloader_iterator', None))
        if endless is not type(None):  # its workers began before anything was seeded: they end here
            loop.dataloader_iterator = loader._iterator = None
        for part, dataset in enumerate(plain_datasets(loader.dataset)):
            if isinstance(dataset, RobustDataset):
                dataset.set_clock(self.seed, runner.epoch, part)
        if self.done:
            message = f'Epoch {runner.epoch + 1} goes on after {self.done} of its {len(loader)} iterations'
            print_log(message, logger='current')
        count_visits(loader, self.done)
        if endless is not type(None):
            loop.dataloader_iterator = endless(loader)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None) -> None:
        # Here and not before the epoch: how many numbers the start of a data loader draws depends on its workers.
        seed_step(self.seed, runner.iter, get_rank())


def sampler_of(loader: DataLoader) -> object:
    """The sampler of a data loader, also inside a batch sampler."""
    sampler = getattr(loader.batch_sampler, 'sampler', loader.sampler)
    return sampler.sampler if isinstance(sampler, CountingSampler) else sampler


def count_visits(loader: DataLoader, done: int = 0) -> None:
    """Lets the sampler of a data loader begin anew and count.

    Args:
        loader: The data loader.
        done: Batches of this epoch that are trained on already, before a stop: they are passed over, undecoded.
    """
    sampler = sampler_of(loader)
    if isinstance(sampler, InfiniteSampler):
        sampler.indices = sampler._indices_of_rank()
    if hasattr(loader.batch_sampler, 'sampler'):
        loader.batch_sampler.sampler = CountingSampler(sampler, skip=done and done * loader.batch_sampler.batch_size)
