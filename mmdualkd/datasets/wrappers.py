"""What lies inside MMEngine's wrappers of data sets."""

from collections.abc import Iterator

from mmengine.dataset import ConcatDataset


def plain_datasets(dataset: object) -> Iterator:
    """Gives the data sets inside MMEngine's wrappers (RepeatDataset, ClassBalancedDataset, ConcatDataset)."""
    if isinstance(dataset, ConcatDataset):
        for part in dataset.datasets:
            yield from plain_datasets(part)
    elif hasattr(dataset, 'dataset'):
        yield from plain_datasets(dataset.dataset)
    else:
        yield dataset
