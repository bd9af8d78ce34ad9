"""What a Runner trains."""

from .base import Distiller
from .dual_teacher import DualTeacherDistiller
from .hybrid_assistant import HybridAssistantDistiller
from .preprocessor import ClipPreprocessor, PicturePreprocessor

__all__ = [
    'ClipPreprocessor',
    'Distiller',
    'DualTeacherDistiller',
    'HybridAssistantDistiller',
    'PicturePreprocessor',
]
