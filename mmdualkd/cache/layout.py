"""How a cache's values lie in its files."""

import zlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ..names import DTYPES
from ..teachers.readings import Reading

SHARD_ROWS = 256  # what a kill may lose, and what a process writes at a time


class Layout:
    """A record for each view of each sample, in shards that hold records of one view.

    A record is a checksum, a digest of what the teachers were shown, the number of the stand-in that took a broken
    sample's place (0: the sample itself), and the values. A shard is a NumPy file (``.npy``) of such records, to be
    mapped into memory. Views lie one after another, so that more of them add files and change none.

    Args:
        shapes: Shape of each value for one sample, rows first: (rows, C, ...).
        dtype: ``'float16'`` or ``'float32'``.
        samples: Samples of all data sets together.
        shard_rows: Records a file.
        identity: What the cache is of, as a number: records of another cache have other checksums.
    """

    def __init__(
        self,
        shapes: Mapping[Reading, Sequence[int]],
        dtype: str,
        samples: int,
        shard_rows: int = SHARD_ROWS,
        identity: int = 0,
    ) -> None:
        self.shapes = {reading: tuple(shape) for reading, shape in shapes.items()}
        self.dtype = dtype
        self.samples = samples
        self.shard_rows = shard_rows
        self.identity = identity
        head = [('check', '<u4'), ('shown', '<u4'), ('stand_in', '<u2')]
        values = [(f'value{place}', DTYPES[dtype], shape) for place, shape in enumerate(self.shapes.values())]
        self.record = np.dtype(head + values)

    @property
    def shards_of_a_view(self) -> int:
        """How many files hold one view of all samples."""
        return -(-self.samples // self.shard_rows)

    def shards(self, num_views: int) -> Iterator[str]:
        """Names of the files of so many views, in order."""
        for view in range(num_views):
            for shard in range(self.shards_of_a_view):
                yield self.name(view, shard)

    @staticmethod
    def name(view: int, shard: int) -> str:
        """The name of a file."""
        return f'view{view:04d}-{shard:05d}.npy'

    def rows(self, name: str) -> range:
        """The numbers of a file's rows; row = view * samples + sample."""
        view, shard = map(int, name.removeprefix('view').removesuffix('.npy').split('-'))
        begin = shard * self.shard_rows
        return range(view * self.samples + begin, view * self.samples + min(begin + self.shard_rows, self.samples))

    def place(self, row: int) -> tuple[str, int]:
        """The file of a row, and its place there."""
        view, sample = divmod(row, self.samples)
        return self.name(view, sample // self.shard_rows), sample % self.shard_rows

    def checksum(self, record: np.void, row: int) -> int:
        """A record's checksum; that of another row's place, or of another cache, differs."""
        return zlib.crc32(record.tobytes()[4:], zlib.crc32(f'{self.identity} {row}'.encode()))

    def values(self, rows: Tensor) -> dict[Reading, Tensor]:
        """Reads records that were handed on as bytes.

        Args:
            rows: (N, bytes of a record), uint8, on any device.

        Returns:
            Values in float32, (N * rows, C, ...) each.
        """
        values = {}
        for place, (reading, shape) in enumerate(self.shapes.items()):
            dtype, begin = self.record.fields[f'value{place}'][:2]
            # a copy, also of a single row, which is contiguous as it is, but begins anywhere
            part = rows[:, begin : begin + dtype.itemsize].clone(memory_format=torch.contiguous_format)
            values[reading] = part.view(getattr(torch, self.dtype)).view(-1, *shape[1:]).float()
        return values
