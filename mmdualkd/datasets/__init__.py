"""Data sets."""

from .crops import RandomCropResize
from .epic_kitchens import EpicKitchens, SegmentInit
from .opening import DecordInit, TorchCodecInit
from .pictures import CIFAR10, CIFAR100, CustomDataset, ImageNet
from .rawframes import RawframeDataset
from .robust import RobustDataset
from .robust_videos import RobustVideos
from .video import VideoDataset

__all__ = [
    'CIFAR10',
    'CIFAR100',
    'CustomDataset',
    'DecordInit',
    'EpicKitchens',
    'ImageNet',
    'RandomCropResize',
    'RawframeDataset',
    'RobustDataset',
    'RobustVideos',
    'SegmentInit',
    'TorchCodecInit',
    'VideoDataset',
]
