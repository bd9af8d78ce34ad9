"""Data sets."""

from .epic_kitchens import EpicKitchens, SegmentInit
from .pictures import CIFAR10, CIFAR100, CustomDataset, ImageNet
from .robust import RobustDataset, RobustVideos
from .video import VideoDataset

__all__ = [
    'CIFAR10',
    'CIFAR100',
    'CustomDataset',
    'EpicKitchens',
    'ImageNet',
    'RobustDataset',
    'RobustVideos',
    'SegmentInit',
    'VideoDataset',
]
