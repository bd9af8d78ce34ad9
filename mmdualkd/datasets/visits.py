"""How often a sample came up in an epoch, counted where the order is known: by the sampler, in the main process."""

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.dist import get_rank, get_world_size
from torch.utils.data import Sampler


class Visit(int):
    """An index into a data set that knows how often it came up before in this epoch, in any process.

    It travels to the workers with the index. Of a sampler that may give one index to several processes in an epoch
    (``RepeatAugSampler``, weighted ones) ``count`` tells these apart and is no count.
    """

    count: int

    def __new__(cls, index: int, count: int) -> 'Visit':
        visit = super().__new__(cls, index)
        visit.count = count
        return visit

    def __reduce__(self) -> tuple:
        return Visit, (int(self), self.count)


class CountingSampler(Sampler):
    """Another sampler's indices as :class:`Visit`.

    Args:
        sampler: The sampler; all else that is asked of this one is the other's.
        skip: Indices that are passed over at the beginning, counted but not given.
    """

    def __init__(self, sampler: Sampler, skip: int = 0) -> None:
        self.sampler = sampler
        self._skip = skip
        self._passes = 0

    def __iter__(self) -> Iterator[Visit]:
        skip, self._skip = self._skip, 0
        passes, self._passes = self._passes, self._passes + 1
        yield from itertools.islice(self._visits(passes), skip, None)

    def _visits(self, passes: int) -> Iterator[Visit]:
        seen: Counter[int] = Counter()
        for place, index in enumerate(self.sampler):
            if isinstance(self.sampler, InfiniteSampler):  # pass after pass without an end, dealt out to the processes
                passes = (place * self.sampler.world_size + self.sampler.rank) // self.sampler.size
                yield Visit(index, passes)
            elif isinstance(self.sampler, DefaultSampler):  # each index once a pass, in whatever process
                yield Visit(index, passes)
            else:
                yield Visit(index, (passes + seen[index]) * get_world_size() + get_rank())
                seen[index] += 1

    def __len__(self) -> int:
        return len(self.sampler)

    def __getattr__(self, name: str) -> Any:
        if name == 'sampler':  # not yet there
            raise AttributeError(name)
        return getattr(self.sampler, name)
