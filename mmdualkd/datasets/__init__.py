"""Data sets."""

from .crops import RandomCropResize
from .epic_kitchens import EpicKitchens, SegmentInit
from .opening import DecordInit, TorchCodecInit
from .pictures import CIFAR10, CIFAR100, CustomDataset, ImageNet
from .robust import RobustDataset, RobustVideos
from .video import VideoDataset

__all__ = [
    'CIFAR10',
    'CIFAR100',
    'CustomDataset',
    'DecordInit',
    'EpicKitchens',
    'ImageNet',
    'RandomCropResize',
    'RobustDataset',
    'RobustVideos',
    'SegmentInit',
    'TorchCodecInit',
    'VideoDataset',
]
