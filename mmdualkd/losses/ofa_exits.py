"""The exits of one-for-all distillation."""

from collections.abc import Sequence

from torch import Tensor, nn

from ..errors import ConfigError
from ..heads import Exit
from ..registry import MODELS
from .ofa import OFA, enhanced_cross_entropies
from .term import Step

STAGES = (1, 2, 3, 4)


@MODELS.register_module()
class OFAExits(OFA):
    r"""Exits at the student's stages learn the source's predictions, each by the loss of OFA, as their sum.

    With :class:`~mmdualkd.losses.ofa.OFA` beside it, which is the loss of the last scores, the whole OFA-KD
    (https://arxiv.org/abs/2310.19444). What an exit is made of stands in :class:`~mmdualkd.heads.exits.Exit`. The
    student has to be one that divides into stages (:mod:`~mmdualkd.stages`). Exits train while distilling and are no
    part of the student that is saved.

    Args:
        source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        stages: The stages that have an exit, of 1 to 4.
        gamma: See :class:`~mmdualkd.losses.ofa.OFA`.
        tau: See :class:`~mmdualkd.losses.ofa.OFA`.
        detach_source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        weight: See :class:`~mmdualkd.losses.term.Term`.

    Raises:
        ConfigError: As for OFA; if ``stages`` are no distinct numbers of 1 to 4; if the student is not divided into
            stages (when the distiller is built).
    """

    reads_stages = True

    def __init__(
        self,
        source: str,
        stages: Sequence[int] = STAGES,
        gamma: float = 1.0,
        tau: float = 1.0,
        detach_source: bool = False,
        weight: float = 1.0,
    ) -> None:
        super().__init__(source, gamma=gamma, tau=tau, detach_source=detach_source, weight=weight)
        known = isinstance(stages, list | tuple) and all(type(stage) is int and stage in STAGES for stage in stages)
        if not known or not stages or len(set(stages)) < len(stages):
            raise ConfigError(f'stages must be a list of 1, 2, 3 or 4, each once, got {stages!r}')
        self.stages = tuple(stages)

    def setup(self, step: Step) -> None:
        super().setup(step)
        shapes = [tuple(features.grid.shape[1:]) for features in step.stages]
        width = max(step.student.pooled.size(1), step.of(self.source).pooled.size(1))
        self.exits = nn.ModuleList(
            Exit(step.kind, stage, shapes[stage - 1], shapes[-1], width, step.labels.size(1)) for stage in self.stages
        )

    def forward(self, step: Step) -> Tensor:
        source = self.read(step, 'logits')[0]
        losses = sum(
            enhanced_cross_entropies(source, leave(step.stages[stage - 1].grid), step.labels, self.gamma, self.tau)
            for stage, leave in zip(self.stages, self.exits, strict=True)
        )
        return step.mean_of_labelled(losses)
