"""The logit loss of one-for-all distillation."""

import torch.nn.functional as F
from torch import Tensor

from ..errors import ConfigError, check_number, check_positive
from ..names import STUDENT
from ..registry import MODELS
from .pair import PairTerm
from .term import Step


@MODELS.register_module()
class OFA(PairTerm):
    r"""The logit loss of OFA-KD (https://arxiv.org/abs/2310.19444), also that of TAS/FBT
    (https://arxiv.org/abs/2410.12342): the source's class probabilities, more of them at the label.

    The published OFA-KD method has exits at the student's stages beside it, which learn by this loss too
    (:class:`~mmdualkd.losses.ofa_exits.OFAExits`).

    .. math::
        L = -\frac{1}{N} \sum_i \sum_c \left[ (p^{src}_{ic} + m_{ic})^\gamma - m_{ic} \right] \log p^{tgt}_{ic},
        \quad p = \mathrm{softmax}(z / \tau)

    with m the one-hot label, of the largest share where mixup or label smoothing made it soft. At :math:`\gamma = 1`
    it is the cross-entropy with the source's probabilities; more adds to the label's share, the more so the surer the
    source is of it. As published, there is no :math:`\tau^2`. Samples without a label take no part. A source that
    trains gets gradients too, unless ``detach_source``; that is our reconstruction of the terms with an assistant.

    Args:
        source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        target: The same.
        gamma: At least 1; the authors take 1 to 1.5.
        tau: Temperature, positive.
        detach_source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        weight: See :class:`~mmdualkd.losses.term.Term`.

    Raises:
        ConfigError: If ``gamma`` or ``tau`` is out of its range, or source and target do not fit, or a sample may have
            several labels.
    """

    def __init__(
        self,
        source: str,
        target: str = STUDENT,
        gamma: float = 1.0,
        tau: float = 1.0,
        detach_source: bool = False,
        weight: float = 1.0,
    ) -> None:
        super().__init__(source, target, detach_source, weight)
        check_number(gamma=gamma)
        if gamma < 1:  # below 1 the slope at probability 0 has no bound
            raise ConfigError(f'gamma must be at least 1, got {gamma!r}')
        check_positive(tau=tau)
        self.gamma = gamma
        self.tau = tau

    def setup(self, step: Step) -> None:
        super().setup(step)
        if step.multi_label:
            name = f'model.terms.{self.name} ({type(self).__name__})'
            raise ConfigError(f'{name} asks for one label a sample, and the student has several')

    def forward(self, step: Step) -> Tensor:
        source, target = self.read(step, 'logits')
        return step.mean_of_labelled(enhanced_cross_entropies(source, target, step.labels, self.gamma, self.tau))


def enhanced_cross_entropies(source: Tensor, target: Tensor, labels: Tensor, gamma: float, tau: float) -> Tensor:
    """The loss of each sample, (N,), from logits (N, C) and label distributions (N, C)."""
    label = F.one_hot(labels.argmax(dim=1), target.size(1))
    enhanced = ((source / tau).softmax(dim=1) + label) ** gamma - label
    return -(enhanced * (target / tau).log_softmax(dim=1)).sum(dim=1)
