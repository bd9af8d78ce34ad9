"""What lies inside MMEngine's wrappers of data sets, and where in a wrapper a sample is drawn."""

import functools
from collections.abc import Iterator
from typing import Any

from mmengine.dataset import ClassBalancedDataset, ConcatDataset, RepeatDataset

_positions: list[int] = []  # in the wrappers around the sample that this process draws, the outermost first


def plain_datasets(dataset: object) -> Iterator:
    """Gives the data sets inside MMEngine's wrappers (RepeatDataset, ClassBalancedDataset, ConcatDataset)."""
    if isinstance(dataset, ConcatDataset):
        for part in dataset.datasets:
            yield from plain_datasets(part)
    elif hasattr(dataset, 'dataset'):
        yield from plain_datasets(dataset.dataset)
    else:
        yield dataset


def position(index: int) -> int:
    """Where the sample that is drawn stands in the outermost wrapper around its data set; ``index`` without one."""
    return _positions[0] if _positions else index


def tell_position(wrapper: type) -> None:
    """Lets a wrapper's samples know :func:`position`: what repeats a sample gives its data set the same index twice."""
    draw = wrapper.__getitem__

    @functools.wraps(draw)
    def told(self: Any, index: int) -> Any:
        _positions.append(index)
        try:
            return draw(self, index)
        finally:
            _positions.pop()

    wrapper.__getitem__ = told


for repeating in (ConcatDataset, RepeatDataset, ClassBalancedDataset):
    tell_position(repeating)
