"""One loss a file; what a term is stands in ``term.py``."""

from .fused_kd import FusedKD
from .info_nce import InfoNCE
from .ofa import OFA
from .pair import PairTerm
from .rkd import RKD
from .sdd import SDD
from .term import Step, Term

__all__ = ['OFA', 'RKD', 'SDD', 'FusedKD', 'InfoNCE', 'PairTerm', 'Step', 'Term']
