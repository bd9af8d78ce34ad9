"""One loss a file; what a term is stands in ``term.py``."""

from .fused_kd import FusedKD
from .rkd import RKD
from .sdd import SDD
from .term import Step, Term

__all__ = ['FusedKD', 'RKD', 'SDD', 'Step', 'Term']
