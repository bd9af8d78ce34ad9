"""What the losses on features share."""

import torch.nn.functional as F
from torch import Tensor

SMALLEST_NORM = 1e-4  # features shorter than this are not stretched to unit length: their gradient would have no bound


def unit_length(features: Tensor) -> Tensor:
    """Scales the rows of (N, C) to unit length, but for those that are next to zero."""
    return F.normalize(features, dim=1, eps=SMALLEST_NORM)
