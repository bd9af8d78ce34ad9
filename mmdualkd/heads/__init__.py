"""Modules that train, or stand, beside the student only while distilling."""

from .assistant import Assistant, check_assistant
from .local_to_global import LocalToGlobal
from .projection import ClassifiedProjection, OrthogonalProjection
from .structure_discrepancy import StructureDiscrepancyBranch

__all__ = [
    'Assistant',
    'ClassifiedProjection',
    'LocalToGlobal',
    'OrthogonalProjection',
    'StructureDiscrepancyBranch',
    'check_assistant',
]
