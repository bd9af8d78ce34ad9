"""Modules that train, or stand, beside the student only while distilling."""

from .assistant import Assistant, check_assistant
from .decoupler import Decoupler
from .exits import Exit
from .local_to_global import LocalToGlobal
from .projection import OrthogonalProjection
from .residuals import ClassMapResidual, ExplainedAwayResidual, SharedHeadResidual
from .structure_discrepancy import StructureDiscrepancyBranch

__all__ = [
    'Assistant',
    'ClassMapResidual',
    'Decoupler',
    'Exit',
    'ExplainedAwayResidual',
    'LocalToGlobal',
    'OrthogonalProjection',
    'SharedHeadResidual',
    'StructureDiscrepancyBranch',
    'check_assistant',
]
