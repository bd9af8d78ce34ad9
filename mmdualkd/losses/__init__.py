"""One loss a file; what a term is stands in ``term.py``."""

from .assistant_ce import AssistantCE
from .dist import DIST
from .dkd import DKD
from .fused_kd import FusedKD
from .info_nce import InfoNCE
from .ofa import OFA
from .pair import PairTerm
from .rkd import RKD
from .sdd import SDD
from .term import Step, Term

__all__ = ['DIST', 'DKD', 'OFA', 'RKD', 'SDD', 'AssistantCE', 'FusedKD', 'InfoNCE', 'PairTerm', 'Step', 'Term']
