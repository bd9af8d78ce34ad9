"""One loss a file; what a term is stands in ``term.py``."""

from .assistant_ce import AssistantCE
from .at import AT
from .cells import GridTerm
from .dist import DIST
from .dkd import DKD
from .fitnets import FitNets
from .fused import FusedTerm
from .fused_features import FusedFeatures
from .fused_kd import FusedKD
from .info_nce import InfoNCE
from .mlld import MLLD
from .ofa import OFA
from .ofa_exits import OFAExits
from .pair import PairTerm
from .rkd import RKD
from .rsd import RSD
from .sdd import SDD
from .sp import SP
from .term import Step, Term

__all__ = [
    'AT',
    'DIST',
    'DKD',
    'MLLD',
    'OFA',
    'RKD',
    'RSD',
    'SDD',
    'SP',
    'AssistantCE',
    'FitNets',
    'FusedFeatures',
    'FusedKD',
    'FusedTerm',
    'GridTerm',
    'InfoNCE',
    'OFAExits',
    'PairTerm',
    'Step',
    'Term',
]
