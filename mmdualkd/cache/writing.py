"""Writing a cache: which rows are missing, their samples, and their records into files."""

import fcntl
import itertools
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..datasets.wrappers import plain_datasets
from ..differences import differences, flat
from ..errors import CacheError
from ..files import open_whole, remove_parts
from ..outputs import Outputs
from ..teachers.readings import Reading
from .layout import SHARD_ROWS, Layout
from .store import MANIFEST, SAMPLES, TeacherCache, digest, write_manifest

LOCK = 'lock'
FREE = 1.02  # of the bytes to write, for folders and manifests


class EveryView(Dataset):
    """The samples of a training data set, view by view, as rows of a cache.

    Args:
        dataset: The data set, in its wrappers.
        samples: Samples of all data sets inside.
    """

    def __init__(self, dataset: object, samples: int) -> None:
        self.parts = list(plain_datasets(dataset))
        self.ends = list(itertools.accumulate(len(part) for part in self.parts))
        self.samples = samples

    def __getitem__(self, row: int) -> dict[str, Any]:
        """Gives a row's sample, with the row, its stand-in and what was shown under the key ``drawn``."""
        view, sample = divmod(row, self.samples)
        number = next(number for number, end in enumerate(self.ends) if sample < end)
        part = self.parts[number]
        index = sample - (self.ends[number] - len(part))
        draw = part.draw(index, part.entropy_of(index, view))
        return {**draw.data, 'drawn': torch.tensor([row, draw.stand_in, draw.shown])}


class ShardWriter:
    """Gathers records and writes each file as soon as it is full.

    Args:
        folder: The cache's.
        layout: Its layout.
    """

    def __init__(self, folder: Path, layout: Layout) -> None:
        self.folder = folder
        self.layout = layout
        self._open: dict[str, tuple[np.ndarray, set[int]]] = {}

    def add(self, drawn: Tensor, values: Mapping[Reading, Tensor], files: Sequence[str]) -> None:
        """Takes the records of a batch.

        Args:
            drawn: Row, stand-in and what was shown of each, (N, 3).
            values: (N * rows, C, ...) each, in float32.
            files: The samples' files, for errors.

        Raises:
            CacheError: If a value is not finite, or too large for the cache's type.
            CheckpointError: If a file cannot be written.
        """
        batch = np.zeros(len(drawn), self.layout.record)
        batch['stand_in'], batch['shown'] = drawn[:, 1], drawn[:, 2]
        for place, (reading, shape) in enumerate(self.layout.shapes.items()):
            stored = values[reading].to(getattr(torch, self.layout.dtype)).cpu()
            finite = stored.isfinite().flatten(1).all(1).view(len(drawn), -1).all(1)
            if not finite.all():
                file = files[int((~finite).nonzero()[0])]
                how = 'float16; write with --dtype float32' if values[reading].isfinite().all() else 'numbers'
                raise CacheError(f'the {reading} are not all finite {how} (of {file})')
            batch[f'value{place}'] = stored.view(len(drawn), *shape).numpy()
        for record, row in zip(batch, drawn[:, 0].tolist(), strict=True):
            record['check'] = self.layout.checksum(record, row)
            self._put(record, row)

    def _put(self, record: np.void, row: int) -> None:
        name, place = self.layout.place(row)
        if name not in self._open:
            self._open[name] = np.zeros(len(self.layout.rows(name)), self.layout.record), set()
        shard, there = self._open[name]
        shard[place] = record
        there.add(place)
        if len(there) == len(shard):
            with open_whole(self.folder / name, 'wb') as file:
                np.save(file, shard, allow_pickle=False)
            del self._open[name]


def prepare(folder: Path, body: Mapping[str, Any], samples: list[list]) -> TeacherCache:
    """Makes a cache's folder, or takes up one that was begun; gives it.

    Args:
        folder: The folder.
        body: What the manifest shall say.
        samples: The list of samples.

    Raises:
        CacheError: If the folder holds a cache made from something else, or other files.
    """
    if not (folder / MANIFEST).is_file():
        if others := sorted(path.name for path in folder.glob('*') if path.name != LOCK):
            raise CacheError(f'--out={str(folder)!r} is no cache and not empty (it has {", ".join(others[:3])})')
        _write(folder, {**body, 'shard_rows': SHARD_ROWS}, samples)
        return TeacherCache(folder, '--out')
    try:
        cache = TeacherCache(folder, '--out')
        there = cache.manifest
    except CacheError as error:
        raise CacheError(f'{error}. Remove the folder, or name another') from error
    readings = [[Reading.from_json(value['reading']) for value in one['values']] for one in (there, body)]
    if missing := [str(reading) for reading in readings[1] if reading not in readings[0]]:
        raise CacheError(
            f'--out={str(folder)!r} holds a cache without the {", ".join(missing)}: name another folder, with the '
            'configs of all the terms that are to share it'
        )
    here = {
        **body,
        'values': there['values'],
        'shard_rows': there['shard_rows'],
        'data': {**body['data'], 'samples': digest(samples)},
    }
    both = [{key: value for key, value in one.items() if key not in SHARED} for one in (there, here)]
    if faults := differences(*(flat('cache', one) for one in both)):
        raise CacheError(
            f'--out={str(folder)!r} holds a cache of something else: {"; ".join(faults)}. Name another folder, or '
            'remove it'
        )
    if body['num_views'] > cache.num_views or not _whole(cache):
        _write(folder, {**here, 'num_views': max(body['num_views'], cache.num_views)}, samples)
        cache = TeacherCache(folder, '--out')
    remove_parts(folder)
    return cache


SHARED = {'num_views', 'versions', 'digest', 'format'}  # more views add to a cache


def _write(folder: Path, body: Mapping[str, Any], samples: list[list]) -> None:
    import json

    with open_whole(folder / SAMPLES, 'w') as file:
        json.dump(samples, file)
    write_manifest(folder, {**body, 'data': {**body['data'], 'samples': digest(samples)}})


def _whole(cache: TeacherCache) -> bool:
    try:
        return bool(cache.samples()) or True
    except CacheError:
        return False


def values_of(outputs: Mapping[str, Outputs], readings: Sequence[Reading]) -> dict[Reading, Tensor]:
    """Reads from the outputs of networks what a cache holds of them, in float32."""
    return {reading: reading.of(outputs[reading.teacher]).float() for reading in readings}


def check_space(folder: Path, needed: int) -> None:
    """Refuses to begin what the disk has no room for.

    Raises:
        CacheError: Says what is needed and what is free.
    """
    free = shutil.disk_usage(folder).free
    if needed * FREE > free:
        raise CacheError(
            f'--out={str(folder)!r}: {in_bytes(needed)} are to be written, {in_bytes(free)} are free: fewer --views, '
            'another disk, or terms that read less (a coarser grid of SDD)'
        )


def in_bytes(count: float) -> str:
    """A number of bytes for people."""
    units = ['bytes', 'KB', 'MB', 'GB', 'TB']
    while count >= 1000 and len(units) > 1:
        count, units = count / 1000, units[1:]
    return f'{count:.0f} bytes' if units[0] == 'bytes' else f'{count:.1f} {units[0]}'


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps a second job from writing the same cache; the system ends the lock with the process.

    Raises:
        CacheError: If another job writes it.
    """
    with (folder / LOCK).open('w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CacheError(f'--out={str(folder)!r}: another job is writing this cache; wait for it') from error
        yield
    (folder / LOCK).unlink(missing_ok=True)
