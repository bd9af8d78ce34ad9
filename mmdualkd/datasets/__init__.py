"""Data sets."""

from .epic_kitchens import EpicKitchens, SegmentInit
from .robust import RobustVideos
from .video import VideoDataset

__all__ = ['EpicKitchens', 'RobustVideos', 'SegmentInit', 'VideoDataset']
