"""MMPretrain's picture data sets that outlive broken files and draw each sample from its own seed."""

from mmpretrain import datasets

from ..registry import DATASETS
from .robust import RobustDataset


class RobustPictures(RobustDataset):
    """The mix-in for MMPretrain's data sets; arguments, names and annotations are those of the class it stands before.

    ``max_refetch`` (default 1000): training gives up after so many undecodable pictures in a row.
    """

    noun = 'pictures'


@DATASETS.register_module()
class CustomDataset(RobustPictures, datasets.CustomDataset):
    """Pictures in one folder a class, or listed with their labels in a text file."""


@DATASETS.register_module()
class ImageNet(RobustPictures, datasets.ImageNet):
    """ImageNet-1K."""


@DATASETS.register_module()
class CIFAR10(RobustPictures, datasets.CIFAR10):
    """CIFAR-10 in its Python form; nothing needs decoding, so that only the seeding is ours."""


@DATASETS.register_module()
class CIFAR100(RobustPictures, datasets.CIFAR100):
    """CIFAR-100 in its Python form; nothing needs decoding, so that only the seeding is ours."""
