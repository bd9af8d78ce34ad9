"""Classifiers divided into four stages; the families stand in ``images.py``, ``videos.py`` and ``timm_models.py``."""

from .division import Division, divide
from .features import Features
from .staged_model import StagedModel

__all__ = ['Division', 'Features', 'StagedModel', 'divide']
