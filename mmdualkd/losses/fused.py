"""What the terms that learn from several teachers at once share."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import ConfigError
from ..registry import build
from ..weighting import Weighting
from .term import Step, Term


class FusedTerm(Term):
    """A term that weighs teachers for each sample.

    Log: each teacher's weight, mean and spread over the batch.

    Args:
        weighting: Config of the module that weighs the teachers.
        teachers: Names of the teachers to fuse; None takes all.
        weight: See :class:`~mmdualkd.losses.term.Term`.

    Attributes:
        tau: Temperature of the predictions that are fused.

    Raises:
        ConfigError: If ``weighting`` is no weighting or does not fit the teachers, ``teachers`` is no list of distinct
            names, or a name is unknown.
    """

    tau: float = 1.0

    def __init__(self, weighting: dict, teachers: Sequence[str] | None = None, weight: float = 1.0) -> None:
        super().__init__(weight)
        self.weighting = build(weighting, 'weighting')
        if not isinstance(self.weighting, Weighting):
            raise ConfigError(
                f'weighting.type={weighting["type"]!r} is no weighting (a subclass of mmdualkd.weighting.Weighting)'
            )
        listed = isinstance(teachers, list | tuple) and teachers
        if teachers is not None and not (listed and len(set(teachers)) == len(teachers)):
            raise ConfigError(f'teachers must be None (all) or a list of names, each once, got {teachers!r}')
        self.teachers = teachers

    def teachers_used(self) -> dict[str, str]:
        return {f'teachers[{index}]': name for index, name in enumerate(self.teachers or ())}

    def names(self, step: Step) -> list[str]:
        """The teachers that are fused, in order."""
        return list(self.teachers or step.teachers)

    def setup(self, step: Step) -> None:
        try:
            self.weighting.prepare(len(self.names(step)), self.tau)
        except ConfigError as error:
            raise ConfigError(f'model.terms.{self.name}.weighting: {error}') from error

    def weigh(self, step: Step) -> tuple[Tensor, Tensor]:
        """Gives the teachers' logits (K, N, C) and their weights (K, N), and logs these.

        Raises:
            ConfigError: If the weighting gives anything else.
        """
        names = self.names(step)
        logits = torch.stack([step.teachers[name].logits for name in names])
        weights = self.weighting(logits, step.student.logits.detach(), step.labels)
        if not isinstance(weights, Tensor) or weights.shape != logits.shape[:2]:
            given = tuple(weights.shape) if isinstance(weights, Tensor) else type(weights).__name__
            raise ConfigError(
                f'model.terms.{self.name}.weighting ({type(self.weighting).__name__}): its forward must give weights '
                f'{tuple(logits.shape[:2])}, teachers x samples, got {given}'
            )
        for name, weight in zip(names, weights, strict=True):
            step.log[f'{self.name}/weight_{name}'] = weight.mean()
            step.log[f'{self.name}/weight_{name}_std'] = weight.std(unbiased=False)
        return logits, weights
