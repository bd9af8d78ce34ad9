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
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
