"""MMPretrain's picture data sets that outlive broken files and draw each sample from its own seed."""

from mmpretrain import datasets

from ..errors import DataError
from ..registry import DATASETS
from .robust import RobustDataset, source_of


class RobustPictures(RobustDataset):
    """The mix-in for MMPretrain's data sets; arguments, names and annotations are those of the class it stands before.

    ``max_refetch`` (default 1000): training gives up after so many undecodable pictures in a row.
    """

    noun = 'pictures'

    def load_data_list(self) -> list[dict]:
        """Gives file (or pixels) and label of each picture.

        Raises:
            DataError: If there are none, or folder or annotation file cannot be read.
        """
        try:
            samples = super().load_data_list()
        except (OSError, RuntimeError, ValueError) as error:
            raise DataError(f'{source_of(self)} cannot be read as labelled pictures: {error}') from error
        if not samples:
            raise DataError(f'{source_of(self)} is empty')
        return samples


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
