"""Spatial-agnostic InfoNCE between two models' features."""

import math

import torch
import torch.nn.functional as F
from mmengine.dist import get_rank
from torch import Tensor, nn

from ..errors import ConfigError, check_flags, check_number
from ..global_batch import gather_batch
from ..names import STUDENT
from ..registry import MODELS
from .features import unit_length
from .pair import PairTerm
from .term import Step

COLDEST, WARMEST = 0.01, 1.0  # bounds of the temperature, those of CLIP (https://arxiv.org/abs/2103.00020)


@MODELS.register_module()
class InfoNCE(PairTerm):
    r"""A sample's features in one model find those of the same sample in the other among the batch (TAS/FBT,
    https://arxiv.org/abs/2410.12342).

    .. math::
        L = -\frac{1}{N} \sum_i \log \frac{\exp(\cos(h(f^{tgt}_i), f^{src}_i) / \tau)}
            {\sum_{j \in B} \exp(\cos(h(f^{tgt}_i), f^{src}_j) / \tau)}

    The paper smooths the final features by average pooling before the loss, so that it does not ask where in the
    picture something is, and lets the temperature :math:`\tau` learn. We pool all the way, to the one vector that the
    model's own head reads (its class token, where the head reads that). B is the batch of all processes, and gradients
    reach all rows of it. A sample blended by mixup or cutmix is a picture like any other: its positive is the same
    blend in the other model.

    Ours, for the paper does not say: the direction (the learner's row asks, the source's rows answer), the
    temperature's start and its bounds, 0.01 and 1; :math:`h` is a linear map that trains with the loss where widths
    differ, and nothing where they do not. Weight decay draws the temperature to its start.

    Log: ``<term>/temperature``.

    Args:
        source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        target: The same.
        temperature: Its value, or its start where it learns, in [0.01, 1].
        learnable: Whether the temperature learns.
        symmetric: Takes the mean with the same loss the other way round, where the source's row asks.
        detach_source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        weight: See :class:`~mmdualkd.losses.term.Term`.

    Raises:
        ConfigError: If the temperature is out of its bounds, or source and target do not fit.
    """

    fewest_samples = 2

    def __init__(
        self,
        source: str,
        target: str = STUDENT,
        temperature: float = 0.07,
        learnable: bool = True,
        symmetric: bool = False,
        detach_source: bool = False,
        weight: float = 1.0,
    ) -> None:
        super().__init__(source, target, detach_source, weight)
        check_number(temperature=temperature)
        if not COLDEST <= temperature <= WARMEST:
            raise ConfigError(f'temperature must be in [{COLDEST}, {WARMEST}], got {temperature!r}')
        self.start = temperature
        check_flags(learnable=learnable, symmetric=symmetric)
        self.symmetric = symmetric
        self.log_change = nn.Parameter(torch.zeros(())) if learnable else None
        self.map = nn.Identity()

    def setup(self, step: Step) -> None:
        super().setup(step)
        source, target = self.read(step, 'pooled')
        if source.size(1) != target.size(1):
            self.map = nn.Linear(target.size(1), source.size(1))

    def forward(self, step: Step) -> Tensor:
        source, target = self.read(step, 'pooled')
        source, target = unit_length(source), unit_length(self.map(target))
        temperature = self.temperature(source)
        step.log[f'{self.name}/temperature'] = temperature.detach()
        loss = retrieval_loss(target, source, temperature)
        if self.symmetric:
            loss = (loss + retrieval_loss(source, target, temperature)) / 2
        return loss

    def temperature(self, like: Tensor) -> Tensor:
        """The temperature now, a scalar of the type and device of ``like``.

        A parameter that the optimizer took out of its bounds is put back first, so that its gradient never vanishes.
        """
        if self.log_change is None:
            return like.new_full((), self.start)
        with torch.no_grad():
            self.log_change.clamp_(math.log(COLDEST / self.start), math.log(WARMEST / self.start))
        return self.start * self.log_change.exp()


def retrieval_loss(queries: Tensor, keys: Tensor, temperature: Tensor) -> Tensor:
    """Cross-entropy of finding each query's own key among the keys of all processes.

    Args:
        queries: This process's rows of unit length, (N, C).
        keys: Its keys, row by row, (N, C).
        temperature: Positive scalar.
    """
    logits = queries @ gather_batch(keys).t() / temperature  # (N, world N)
    own = torch.arange(len(queries), device=queries.device) + get_rank() * len(queries)
    return F.cross_entropy(logits, own)
