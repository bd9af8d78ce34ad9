"""Knowledge distillation from several teachers fused into one target."""

from collections.abc import Sequence

from torch import Tensor

from ..errors import check_flags, check_name, check_positive
from ..registry import MODELS
from ..weighting.entropy import entropy
from .fused import FusedTerm
from .logits import mix, soft_kl, standardise
from .term import Step

FUSES = ('logits', 'probabilities')


@MODELS.register_module()
class FusedKD(FusedTerm):
    r"""KD towards the weighted sum of the teachers' logits (DTKD, https://arxiv.org/abs/2511.09469), or of their
    probabilities.

    .. math::
        z = \sum_T w_T z_T, \quad L = \tau^2 KL(softmax(z / \tau) || softmax(z_S / \tau))

    With ``fuse='probabilities'`` the target is :math:`\sum_T w_T softmax(z_T / \tau)`, and the gradient that of
    :math:`\sum_T w_T \tau^2 KL(softmax(z_T / \tau) || softmax(z_S / \tau))`: the form in which EBKD, CA-MKD and AEKD
    are published. With one teacher both are Hinton's KD.

    Log: each teacher's weight, mean and spread over the batch, and the target's entropy in nats, at temperature 1.

    Args:
        weighting: Config of the module that weighs the teachers (``DATW``, ``Uniform``, ``EBKD``, ``CAMKD``, ``AEKD``);
            None takes DATW.
        tau: Temperature, positive.
        fuse: ``'logits'`` or ``'probabilities'``: what is summed.
        standardise_teachers: Gives each teacher's logits zero mean and unit variance before fusing, as their scales
            differ. They are weighed as they are.
        standardise_logits: The same for target and student inside the loss (logit standardisation,
            https://arxiv.org/abs/2403.01427); where probabilities are summed, for teachers and student.
        teachers: See :class:`~mmdualkd.losses.fused.FusedTerm`.
        weight: See :class:`~mmdualkd.losses.term.Term`.

    Raises:
        ConfigError: If ``tau`` is not positive or ``fuse`` unknown, or as of :class:`~mmdualkd.losses.fused.FusedTerm`.
    """

    def __init__(
        self,
        weighting: dict | None = None,
        tau: float = 4.0,
        fuse: str = 'logits',
        standardise_teachers: bool = False,
        standardise_logits: bool = False,
        teachers: Sequence[str] | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(dict(type='DATW') if weighting is None else weighting, teachers, weight)
        check_positive(tau=tau)
        check_name('fuse', fuse, FUSES, 'way to fuse')
        check_flags(standardise_teachers=standardise_teachers, standardise_logits=standardise_logits)
        self.tau = tau
        self.fuse = fuse
        self.standardise_teachers = standardise_teachers
        self.standardise_logits = standardise_logits

    def forward(self, step: Step) -> Tensor:
        logits, weights = self.weigh(step)
        student = step.student.logits
        if self.standardise_logits:
            student = standardise(student)
        if self.fuse == 'probabilities':
            if self.standardise_teachers or self.standardise_logits:
                logits = standardise(logits)
            target, plain = mix(logits, weights, self.tau), mix(logits, weights, 1.0)
        else:
            if self.standardise_teachers:
                logits = standardise(logits)
            target = plain = (weights.unsqueeze(-1) * logits).sum(dim=0)
            if self.standardise_logits:
                target = standardise(target)
        step.log[f'{self.name}/target_entropy'] = entropy(plain).mean()
        return soft_kl(target, student, self.tau)
