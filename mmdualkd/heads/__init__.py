"""Modules that train, or stand, beside the student only while distilling."""

from .local_to_global import LocalToGlobal
from .projection import ClassifiedProjection, OrthogonalProjection
from .structure_discrepancy import StructureDiscrepancyBranch

__all__ = ['ClassifiedProjection', 'LocalToGlobal', 'OrthogonalProjection', 'StructureDiscrepancyBranch']
