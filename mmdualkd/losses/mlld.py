"""Multi-level logit distillation."""

from collections.abc import Sequence

from torch import Tensor

from ..errors import ConfigError, check_not_negative, check_positive
from ..global_batch import gather_batch
from ..names import STUDENT
from ..registry import MODELS
from .logits import soft_kl
from .pair import PairTerm
from .term import Step


@MODELS.register_module()
class MLLD(PairTerm):
    r"""Predictions at several temperatures, sample by sample and by their Gram matrices over the batch and over the
    classes (Jin et al., CVPR 2023).

    *Multi-Level Logit Distillation*, https://openaccess.thecvf.com/content/CVPR2023/html/Jin_Multi-Level_Logit_Distillation_CVPR_2023_paper.html:

    .. math::
        L = \sum_\tau \left[ \alpha \tau^2 KL(p^{src}_\tau || p^{tgt}_\tau)
            + \frac{\beta}{N} |p^{src}_\tau p^{src\,T}_\tau - p^{tgt}_\tau p^{tgt\,T}_\tau|_F^2
            + \frac{\gamma}{C} |p^{src\,T}_\tau p^{src}_\tau - p^{tgt\,T}_\tau p^{tgt}_\tau|_F^2 \right], \quad
        p_\tau = softmax(z / \tau)

    N counts the samples of all processes in both Gram matrices, and KL is the mean over the batch. The temperatures and
    :math:`\tau^2` are those of the authors' code as others have it (second-hand). Their code also takes a weak and a
    strong augmentation of each sample and leaves out the half of it that the source is surest of: not here.

    Args:
        source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        target: The same.
        temperatures: One or more, positive.
        alpha: Weight of the samples' part, not negative.
        beta: Weight of the batch's part, not negative.
        gamma: Weight of the classes' part, not negative.
        detach_source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        weight: See :class:`~mmdualkd.losses.term.Term`.

    Raises:
        ConfigError: If an argument is out of its range, or source and target do not fit.
    """

    def __init__(
        self,
        source: str,
        target: str = STUDENT,
        temperatures: Sequence[float] = (2.0, 3.0, 4.0, 5.0, 6.0),
        alpha: float = 1.0,
        beta: float = 1.0,
        gamma: float = 1.0,
        detach_source: bool = False,
        weight: float = 1.0,
    ) -> None:
        super().__init__(source, target, detach_source, weight)
        if not isinstance(temperatures, list | tuple) or not temperatures:
            raise ConfigError(f'temperatures must be a list of positive numbers, got {temperatures!r}')
        for temperature in temperatures:
            check_positive(temperatures=temperature)
        check_not_negative(alpha=alpha, beta=beta, gamma=gamma)
        self.temperatures = tuple(temperatures)
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma

    def forward(self, step: Step) -> Tensor:
        source, target = self.read(step, 'logits')
        all_sources, all_targets = gather_batch(source), gather_batch(target)
        loss = target.new_zeros(())
        for tau in self.temperatures:
            p, q = ((logits / tau).softmax(dim=1) for logits in (all_sources, all_targets))
            of_batch = (p @ p.t() - q @ q.t()).square().sum() / p.size(0)
            of_classes = (p.t() @ p - q.t() @ q).square().sum() / p.size(1)
            loss = loss + self.alpha * soft_kl(source, target, tau) + self.beta * of_batch + self.gamma * of_classes
        return loss
