"""What lies inside MMEngine's wrappers of data sets, what it is called, and where in a wrapper a sample is drawn."""

import bisect
import functools
from collections.abc import Iterator
from typing import Any

from mmengine.dataset import ClassBalancedDataset, ConcatDataset, RepeatDataset

# in the wrappers around the sample that this process draws, the outermost first: index, repetition, repetitions
_places: list[tuple[int, int, int]] = []


def plain_datasets(dataset: object) -> Iterator:
    """Gives the data sets inside MMEngine's wrappers (RepeatDataset, ClassBalancedDataset, ConcatDataset), and inside
    that of its Runner (``num_batch_per_epoch``), which answers for what it holds.
    """
    if type(dataset).__name__ == '_SlicedDataset':
        yield from plain_datasets(dataset._dataset)
    elif isinstance(dataset, ConcatDataset):
        for part in dataset.datasets:
            yield from plain_datasets(part)
    elif hasattr(dataset, 'dataset'):
        yield from plain_datasets(dataset.dataset)
    else:
        yield dataset


def noun_of(dataset: object) -> str:
    """What the samples of a data set are, for messages."""
    return getattr(next(plain_datasets(dataset)), 'noun', 'samples')


def class_names(dataset: object) -> list[str]:
    """The names of a data set's classes; empty if it says none."""
    return list(map(str, (getattr(next(plain_datasets(dataset)), 'metainfo', None) or {}).get('classes') or ()))


def position(index: int) -> int:
    """Where the sample that is drawn stands in the outermost wrapper around its data set; ``index`` without one."""
    return _places[0][0] if _places else index


def occurrence(passes: int) -> int:
    """How often the sample that is drawn came up before.

    Args:
        passes: How often all of the outermost data set came up before; its wrappers may repeat the sample within.
    """
    for _, repetition, times in _places:
        passes = passes * times + repetition
    return passes


def tell_place(wrapper: type) -> None:
    """Lets a wrapper's samples know their place: what repeats a sample gives its data set the same index twice."""
    draw = wrapper.__getitem__

    @functools.wraps(draw)
    def told(self: Any, index: int) -> Any:
        self.full_init()
        _places.append((index, *repetition(self, int(index))))
        try:
            return draw(self, index)
        finally:
            _places.pop()

    wrapper.__getitem__ = told


def repetition(wrapper: object, index: int) -> tuple[int, int]:
    """Which repetition of a sample stands at ``index`` of a wrapper, and how many of it there are."""
    if isinstance(wrapper, RepeatDataset):
        return index // wrapper._ori_len, wrapper.times
    if isinstance(wrapper, ClassBalancedDataset):  # a sample's repetitions stand side by side
        indices = wrapper.repeat_indices
        first = bisect.bisect_left(indices, indices[index])
        return index - first, bisect.bisect_right(indices, indices[index]) - first
    return 0, 1


def balance_labelled(wrapper: type) -> None:
    """Lets MMEngine's ``ClassBalancedDataset`` count how frequent a class is among the samples that have one."""
    factors = wrapper._get_repeat_factors

    @functools.wraps(factors)
    def balanced(self: Any, dataset: Any, repeat_thr: float) -> list[float]:
        labelled = sum(bool(dataset.get_cat_ids(index)) for index in range(len(dataset)))
        return factors(self, dataset, repeat_thr * labelled / len(dataset))  # it divides by the number of all

    wrapper._get_repeat_factors = balanced


for repeating in (ConcatDataset, RepeatDataset, ClassBalancedDataset):
    tell_place(repeating)
balance_labelled(ClassBalancedDataset)
