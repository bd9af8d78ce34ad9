"""What the losses on logits share."""

import torch.nn.functional as F
from torch import Tensor

SMALLEST_WEIGHT = 1e-30  # a teacher that weighs nothing still has a logarithm
FLATTEST = 1e-3  # logits of a smaller deviation are not stretched to 1: their gradient would have no bound


def standardise(logits: Tensor) -> Tensor:
    """Zero mean and unit variance over the classes of each sample (Sun et al., https://arxiv.org/abs/2403.01427)."""
    centred = logits - logits.mean(dim=-1, keepdim=True)
    return centred / centred.std(dim=-1, keepdim=True, unbiased=False).clamp_min(FLATTEST)


def soft_kl(target: Tensor, student: Tensor, tau: float) -> Tensor:
    r"""KL of tempered predictions, :math:`\tau^2 KL(softmax(z_t / \tau) || softmax(z_s / \tau))`.

    Hinton et al., https://arxiv.org/abs/1503.02531; the mean over the batch.

    Args:
        target: Logits (N, C).
        student: Logits (N, C).
        tau: Temperature, positive.
    """
    log_target = (target / tau).log_softmax(dim=-1)
    log_student = (student / tau).log_softmax(dim=-1)
    return tau**2 * F.kl_div(log_student, log_target, reduction='batchmean', log_target=True)


def mix(logits: Tensor, weights: Tensor, tau: float) -> Tensor:
    r"""Logits whose tempered prediction is :math:`\sum_k w_k softmax(z_k / \tau)`.

    Args:
        logits: (K, N, C).
        weights: (K, N), not negative, summing to 1 over K.
        tau: Temperature, positive.
    """
    log_weights = weights.clamp_min(SMALLEST_WEIGHT).log().unsqueeze(-1)
    return tau * ((logits / tau).log_softmax(dim=-1) + log_weights).logsumexp(dim=0)
