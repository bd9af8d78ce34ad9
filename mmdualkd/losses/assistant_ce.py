"""The labels' own loss of an assistant."""

from torch import Tensor

from ..names import ASSISTANT
from ..registry import MODELS
from .term import Step, Term


@MODELS.register_module()
class AssistantCE(Term):
    r"""The assistant learns the labels, as the student does.

    .. math::
        L = -\frac{1}{N} \sum_i \sum_c y_{ic} \log softmax(z^F_i)_c

    Ours: TAS/FBT (https://arxiv.org/abs/2410.12342) leaves it open whether the assistant has a loss of its own. Labels
    are blended by mixup or cutmix, and not smoothed; clips without one take no part.

    Args:
        weight: See :class:`~mmdualkd.losses.term.Term`.

    Raises:
        ConfigError: If the distiller has no assistant (when it is built).
    """

    def models_used(self) -> dict[str, str]:
        return {'learner': ASSISTANT}

    def forward(self, step: Step) -> Tensor:
        return step.mean_of_labelled(-step.labels * step.of(ASSISTANT).logits.log_softmax(dim=1))
