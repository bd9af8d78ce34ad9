"""Data sets."""

from .crops import RandomCropResize
from .epic_kitchens import EpicKitchens, SegmentInit
from .pictures import CIFAR10, CIFAR100, CustomDataset, ImageNet
from .robust import RobustDataset, RobustVideos
from .torchcodec_init import TorchCodecInit
from .video import VideoDataset

__all__ = [
    'CIFAR10',
    'CIFAR100',
    'CustomDataset',
    'EpicKitchens',
    'ImageNet',
    'RandomCropResize',
    'RobustDataset',
    'RobustVideos',
    'SegmentInit',
    'TorchCodecInit',
    'VideoDataset',
]
