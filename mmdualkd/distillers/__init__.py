"""What a Runner trains."""

from .base import Distiller
from .dual_teacher import DualTeacherDistiller
from .preprocessor import ClipPreprocessor

__all__ = ['ClipPreprocessor', 'Distiller', 'DualTeacherDistiller']
