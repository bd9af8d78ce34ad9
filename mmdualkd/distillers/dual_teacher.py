"""The dual-teacher method."""

from collections.abc import Mapping
from typing import Any

from mmengine.logging import print_log

from ..errors import check_name
from ..registry import MODELS
from .base import Distiller

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
        super().__init__(terms=DEFAULT_TERMS if terms is None else changed_defaults(terms), **kwargs)


def changed_defaults(terms: Mapping[str, dict]) -> Mapping[str, dict]:
    """The default terms with changes in them, or other terms in their place; the log names what of them is gone.

    Raises:
        ConfigError: If what is changed is no default term.
    """
    parts = list(terms.values()) if isinstance(terms, Mapping) else []
    if parts and all(isinstance(cfg, Mapping) and 'type' not in cfg for cfg in parts):
        for name in terms:
            check_name('a key of model.terms', name, DEFAULT_TERMS, 'default term, and has no type')
        return {name: {**cfg, **terms.get(name, {})} for name, cfg in DEFAULT_TERMS.items()}
    if terms and (gone := [name for name in DEFAULT_TERMS if name not in terms]):
        print_log(f'model.terms stands in place of the defaults; without {", ".join(gone)}', logger='current')
    return terms
