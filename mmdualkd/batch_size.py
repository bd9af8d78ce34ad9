"""The batch that a step trains on, beside the one that the config's learning rate is for."""

from dataclasses import dataclass

from mmengine.config import Config


@dataclass(frozen=True)
class Batch:
    """A global batch.

    Attributes:
        samples: Samples of a step in one process.
        processes: Processes.
        accumulated: Steps whose gradients are added up before the optimizer's.
        base: The global batch that the learning rate is for; None if the config does not say.
        scaled: Whether the learning rate is adapted to the batch (``auto_scale_lr.enable``).
    """

    samples: int
    processes: int = 1
    accumulated: int = 1
    base: int | None = None
    scaled: bool = False

    @property
    def total(self) -> int:
        """Samples that the optimizer's step is made from."""
        return self.samples * self.processes * self.accumulated

    @property
    def factor(self) -> float:
        """By what the linear rule multiplies the learning rate (https://arxiv.org/abs/1706.02677)."""
        return self.total / self.base if self.base else 1.0

    def __str__(self) -> str:
        parts = [f'{self.samples} samples', f'{self.processes} process{"es" * (self.processes > 1)}']
        parts += [f'{self.accumulated} accumulated steps'] * (self.accumulated > 1)
        return f'{self.total} ({" x ".join(parts)})'


def batch_of(cfg: Config, processes: int = 1) -> Batch:
    """The global batch of a config's training.

    Args:
        cfg: The config.
        processes: Processes that train together.
    """
    loader, wrapper, scale = (cfg.get(key) or {} for key in ('train_dataloader', 'optim_wrapper', 'auto_scale_lr'))
    samples = loader.get('batch_size') or (loader.get('batch_sampler') or {}).get('batch_size') or 1
    return Batch(
        samples,
        processes,
        wrapper.get('accumulative_counts', 1),
        scale.get('base_batch_size'),
        bool(scale.get('enable', False)),
    )
