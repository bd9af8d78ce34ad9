"""Knowledge distillation from several teachers fused into one target."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import ConfigError, check_flags, check_positive
from ..registry import MODELS, build
from ..weighting.entropy import entropy
from .logits import soft_kl, standardise
from .term import Step, Term


@MODELS.register_module()
class FusedKD(Term):
    r"""KD towards the weighted sum of the teachers' logits (DTKD, https://arxiv.org/abs/2511.09469).

    .. math::
        z = \sum_T w_T z_T, \quad L = \tau^2 KL(softmax(z / \tau) || softmax(z_S / \tau))

    With one teacher it is Hinton's KD. Log: each teacher's weight, mean and spread over the batch, and the target's
    entropy in nats.

    Args:
        weighting: Config of the module that weighs the teachers (``DATW``, ``Uniform``, ``EBKD``, ``CAMKD``).
        tau: Temperature, positive.
        standardise_teachers: Gives each teacher's logits zero mean and unit variance before fusing, as their scales
            differ. They are weighed as they are.
        standardise_logits: The same for target and student inside the loss (logit standardisation,
            https://arxiv.org/abs/2403.01427).
        teachers: Names of the teachers to fuse; None takes all.
        weight: See :class:`Term`.

    Raises:
        ConfigError: If ``tau`` is not positive, ``teachers`` is no list of distinct names, or a name is unknown.
    """

    def __init__(
        self,
        weighting: dict | None = None,
        tau: float = 4.0,
        standardise_teachers: bool = False,
        standardise_logits: bool = False,
        teachers: Sequence[str] | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(weight)
        check_positive(tau=tau)
        if teachers is not None and (isinstance(teachers, str) or len(set(teachers)) < len(teachers)):
            raise ConfigError(f'teachers must be a list of names, each once, got {teachers!r}')
        self.weighting = build(weighting or dict(type='DATW'), 'weighting')
        self.tau = tau
        self.standardise_teachers = standardise_teachers
        self.standardise_logits = standardise_logits
        check_flags(standardise_teachers=standardise_teachers, standardise_logits=standardise_logits)
        if teachers is not None and not (isinstance(teachers, list | tuple) and teachers):
            raise ConfigError(f'teachers must be None (all) or a list of names, got {teachers!r}')
        self.teachers = teachers

    def teachers_used(self) -> dict[str, str]:
        return {f'teachers[{index}]': name for index, name in enumerate(self.teachers or ())}

    def forward(self, step: Step) -> Tensor:
        names = list(self.teachers or step.teachers)
        logits = torch.stack([step.teachers[name].logits for name in names])  # (K, N, C)
        student = step.student.logits
        weights = self.weighting(logits, student, step.labels)  # (K, N)
        if self.standardise_teachers:
            logits = standardise(logits)
        target = (weights.unsqueeze(-1) * logits).sum(dim=0)
        for name, weight in zip(names, weights, strict=True):
            step.log[f'{self.name}/weight_{name}'] = weight.mean()
            step.log[f'{self.name}/weight_{name}_std'] = weight.std(unbiased=False)
        step.log[f'{self.name}/target_entropy'] = entropy(target).mean()
        if self.standardise_logits:
            target, student = standardise(target), standardise(student)
        return soft_kl(target, student, self.tau)
