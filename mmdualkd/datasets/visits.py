"""How often a sample came up in an epoch, counted where the order is known: by the sampler, in the main process."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from torch.utils.data import Sampler


class Visit(int):
    """An index into a data set that knows how often it came up before in this epoch.

    It travels to the workers with the index.
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
    """

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler
        self._counts: Counter[int] = Counter()

    def __iter__(self) -> Iterator[Visit]:
        for index in self.sampler:
            yield Visit(index, self._counts[index])
            self._counts[index] += 1

    def __len__(self) -> int:
        return len(self.sampler)

    def __getattr__(self, name: str) -> Any:
        if name == 'sampler':  # not yet there
            raise AttributeError(name)
        return getattr(self.sampler, name)
