"""What the terms between two models share: one is learned from, the other learns."""

from torch import Tensor

from ..errors import ConfigError, check_flags
from ..names import STUDENT
from .term import Step, Term


class PairTerm(Term):
    """A term that pulls one model towards another.

    Args:
        source: Whom is learned from: a teacher's name, ``'assistant'`` or ``'student'``.
        target: Who learns: ``'student'`` or ``'assistant'``.
        detach_source: Keeps the term's gradient from the source. A teacher never gets one; a student or assistant as
            source does by default, so that the two meet each other half-way.
        weight: See :class:`Term`.

    Raises:
        ConfigError: If source and target are the same, or the target is a teacher (when the distiller is built).
    """

    def __init__(self, source: str, target: str = STUDENT, detach_source: bool = False, weight: float = 1.0) -> None:
        super().__init__(weight)
        if source == target:
            raise ConfigError(f'target must be another model than source, both are {source!r}')
        check_flags(detach_source=detach_source)
        self.source = source
        self.target = target
        self.detach_source = detach_source

    def models_used(self) -> dict[str, str]:
        return {'source': self.source, 'target': self.target}

    def models_trained(self) -> set[str]:
        return {self.target} if self.detach_source else {self.target, self.source}

    def setup(self, step: Step) -> None:
        if self.target in step.teachers:
            raise ConfigError(
                f'model.terms.{self.name}.target={self.target!r} is a teacher, and teachers do not learn: name the '
                'student or the assistant'
            )

    def read(self, step: Step, what: str) -> tuple[Tensor, Tensor]:
        """Gives ``what`` (``'logits'`` or ``'pooled'``) of source and target, (N, C) each."""
        source, target = (getattr(step.of(name), what) for name in (self.source, self.target))
        return source.detach() if self.detach_source else source, target
