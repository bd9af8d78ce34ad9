"""The dual-teacher method."""

from collections.abc import Mapping
from typing import Any

from ..registry import MODELS
from .base import Distiller
from .terms import changed_defaults

DEFAULT_TERMS = dict(
    kd=dict(type='FusedKD', weighting=dict(type='DATW')),
    sdd=dict(type='SDD', vit='vit', cnn='cnn'),
    rkd=dict(type='RKD', teacher='vit'),
)


@MODELS.register_module()
class DualTeacherDistiller(Distiller):
    """A ViT and a CNN teacher guide a light CNN student (DTKD, https://arxiv.org/abs/2511.09469).

    The loss is the student's own plus, by default, KD towards the teachers as DATW fuses them
    (:class:`~mmdualkd.losses.fused_kd.FusedKD`), the structure-discrepancy branch (:class:`~mmdualkd.losses.sdd.SDD`)
    and the ViT's relations (:class:`~mmdualkd.losses.rkd.RKD`). Of the paper there is no code that we could read:
    what its text leaves open is our reconstruction. The default weights, 1 each, are those of the ablation in
    ``docs/results.md``.

    Args:
        terms: Terms in place of the defaults; each of the three stands on its own. Where no entry has a ``type``, they
            are changes of the defaults (``terms=dict(kd=dict(weight=0.5))``). The defaults ask for teachers named
            ``vit`` and ``cnn``.
        **kwargs: As for :class:`Distiller`.
    """

    def __init__(self, *, terms: Mapping[str, dict] | None = None, **kwargs: Any) -> None:
        super().__init__(terms=changed_defaults(terms, DEFAULT_TERMS), **kwargs)
