"""Running statistics of batch norms, kept out of forward passes that are not the model's own."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def standing_statistics(*modules: nn.Module) -> Iterator[None]:
    """Batch norms inside normalise by the batch as ever, and leave their running statistics as they are.

    Args:
        *modules: Where the batch norms lie; those in eval mode need nothing.
    """
    norms = [norm for module in modules for norm in module.modules() if isinstance(norm, _BatchNorm)]
    norms = [norm for norm in norms if norm.training and norm.track_running_stats]
    kept = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:  # not track_running_stats=False: checkpointing compares what the two runs of a piece save
        norm.momentum, norm.num_batches_tracked = 0.0, norm.num_batches_tracked.clone()
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, kept, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count
