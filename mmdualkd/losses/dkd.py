"""Decoupled knowledge distillation."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import ConfigError, check_not_negative, check_positive
from ..names import STUDENT
from ..registry import MODELS
from .pair import PairTerm
from .term import Step


@MODELS.register_module()
class DKD(PairTerm):
    r"""KD with the label's share and the other classes' shares weighed apart (Zhao et al. 2022).

    https://arxiv.org/abs/2203.08679, Eq. 7:

    .. math::
        L = \tau^2 \left[ \alpha\, KL(b^{src} || b^{tgt}) + \beta\, KL(\hat p^{src} || \hat p^{tgt}) \right]

    with :math:`b = (p_y, 1 - p_y)` of the label y, :math:`\hat p` the softmax over the classes but y, :math:`p` the
    softmax of :math:`z / \tau`; the mean over the samples that have a label. Of a soft label y is the largest share.
    The authors let the term grow over 20 epochs on CIFAR-100 (``warmup_iters`` of the distiller).

    Args:
        source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        target: The same.
        alpha: Weight of the label's part, not negative.
        beta: Weight of the other classes' part, not negative; the authors take 0.5 to 8, by teacher.
        tau: Temperature, positive; the authors take 4 on CIFAR-100 and 1 on ImageNet.
        detach_source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        weight: See :class:`~mmdualkd.losses.term.Term`.

    Raises:
        ConfigError: If an argument is out of its range, or source and target do not fit, or a sample may have several
            labels.
    """

    def __init__(
        self,
        source: str,
        target: str = STUDENT,
        alpha: float = 1.0,
        beta: float = 8.0,
        tau: float = 4.0,
        detach_source: bool = False,
        weight: float = 1.0,
    ) -> None:
        super().__init__(source, target, detach_source, weight)
        check_not_negative(alpha=alpha, beta=beta)
        check_positive(tau=tau)
        self.alpha = alpha
        self.beta = beta
        self.tau = tau

    def setup(self, step: Step) -> None:
        super().setup(step)
        if step.multi_label:
            raise ConfigError(f'model.terms.{self.name} (DKD) asks for one label a sample, and the student has several')

    def forward(self, step: Step) -> Tensor:
        label = step.labels.argmax(dim=1, keepdim=True)
        source, target = (decouple(logits / self.tau, label) for logits in self.read(step, 'logits'))
        of_label, of_others = (
            step.mean_of_labelled(F.kl_div(learned, learned_from, reduction='none', log_target=True))
            for learned_from, learned in zip(source, target, strict=True)
        )
        return self.tau**2 * (self.alpha * of_label + self.beta * of_others)


def decouple(logits: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """Splits predictions at the label, all in logarithms so that a sure one loses nothing.

    Args:
        logits: (N, C), C at least 2.
        label: Classes (N, 1).

    Returns:
        Log-probabilities of the label and of the rest together, (N, 2), and those among the rest, (N, C - 1).
    """
    own = logits.gather(1, label)
    index = torch.arange(logits.size(1) - 1, device=logits.device)
    others = logits.gather(1, index + (index >= label))
    pair = torch.cat([own, others.logsumexp(dim=1, keepdim=True)], dim=1)
    return pair.log_softmax(dim=1), others.log_softmax(dim=1)
