"""The hybrid-assistant method."""

from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError
from ..names import ASSISTANT, STUDENT
from ..registry import MODELS
from .base import Distiller
from .terms import changed_defaults


def default_terms(teacher: str) -> dict[str, dict]:
    """InfoNCE and OFA (its logit loss) along the three ways between teacher, assistant and student."""
    ways = dict(ts=(teacher, STUDENT), ta=(teacher, ASSISTANT), **{'as': (ASSISTANT, STUDENT)})
    return {
        f'{name}_{way}': dict(type=kind, source=source, target=target)
        for way, (source, target) in ways.items()
        for name, kind in (('nce', 'InfoNCE'), ('ofa', 'OFA'))
    }


@MODELS.register_module()
class HybridAssistantDistiller(Distiller):
    r"""An assistant made of both models' stages bridges a CNN, a ViT or an MLP and a student of another kind.

    TAS, later "Fuse Before Transfer" (https://arxiv.org/abs/2410.12342). By default the loss is the student's own plus

    .. math::
        L(T, S) + L(T, F) + L(F, S), \quad L(i, j) = InfoNCE(f_i, f_j) + OFA(p_i, p_j)

    with T the teacher, S the student, F the assistant (:class:`~mmdualkd.heads.assistant.Assistant`). The terms
    are named ``nce_ts``, ``ofa_ts`` (teacher to student), ``nce_ta``, ``ofa_ta`` (teacher to assistant), ``nce_as``,
    ``ofa_as`` (assistant to student). Of the paper there is no code that we could read: what its text
    leaves open is our reconstruction.

    Args:
        teachers: One teacher, of any name; with several, ``assistant`` and ``terms`` say which is which.
        assistant: See :class:`Distiller`; None takes the only teacher.
        terms: Terms in place of the defaults, or changes of them, as for
            :class:`~mmdualkd.distillers.dual_teacher.DualTeacherDistiller`.
        **kwargs: As for :class:`Distiller`.

    Raises:
        ConfigError: If there are several teachers and no ``assistant``.
    """

    def __init__(
        self,
        *,
        teachers: Mapping[str, dict],
        assistant: dict | None = None,
        terms: Mapping[str, dict] | None = None,
        **kwargs: Any,
    ) -> None:
        if assistant is None:
            if len(teachers) != 1:
                raise ConfigError(
                    f'model.assistant is needed with several teachers: dict(teacher=...), one of {list(teachers)}'
                )
            assistant = dict(teacher=next(iter(teachers)))
        terms = changed_defaults(terms, default_terms(assistant.get('teacher')))
        super().__init__(teachers=teachers, assistant=assistant, terms=terms, **kwargs)
