"""Modules that train, or stand, beside the student only while distilling."""

from .projection import ClassifiedProjection, OrthogonalProjection
from .structure_discrepancy import StructureDiscrepancyBranch

__all__ = ['ClassifiedProjection', 'OrthogonalProjection', 'StructureDiscrepancyBranch']
