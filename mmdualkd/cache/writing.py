"""Writing a cache: which rows are missing, their samples, and their records into files."""

import itertools
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..datasets.wrappers import plain_datasets
from ..differences import differences
from ..errors import CacheError, CheckpointError
from ..files import PART, open_whole, remove_parts
from ..machine import in_bytes
from ..outputs import Outputs
from ..processes import LOCK
from ..teachers.readings import Reading
from .description import check_samples
from .layout import SHARD_ROWS, Layout
from .store import MANIFEST, SAMPLES, TeacherCache, digest, identity_of, write_manifest

OURS = rf'{re.escape(LOCK)}|({MANIFEST}|{SAMPLES}|view\d+-\d+\.npy)({re.escape(PART)})?'
LOOKED_AT = 8  # draws by which it is seen that teachers are shown the same
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
            CacheError: If a value is not finite, or too large for the cache's type, or a file cannot be written.
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
            try:
                with open_whole(self.folder / name, 'wb') as file:
                    np.save(file, shard, allow_pickle=False)
            except CheckpointError as error:
                raise CacheError(f'{error}. Files before it are kept: the same command goes on') from error
            del self._open[name]


def check_ours(folder: Path) -> None:
    """Refuses a folder that holds anything but a cache.

    Raises:
        CacheError: Names what it holds.
    """
    names = sorted(path.name for path in folder.glob('*')) if folder.is_dir() else []
    if others := [name for name in names if not re.fullmatch(OURS, name) or (folder / name).is_dir()]:
        raise CacheError(f'--out={str(folder)!r} is no cache and not empty (it has {", ".join(others[:3])})')


def prepare(folder: Path, body: Mapping[str, Any], samples: list[list]) -> TeacherCache:
    """Makes a cache's folder, or takes up one that was begun; gives it.

    Args:
        folder: The folder.
        body: What the manifest shall say.
        samples: The list of samples.

    Raises:
        CacheError: If the folder holds a cache made from something else.
    """
    body = {**body, 'data': {**body['data'], 'samples': digest(samples)}, 'shard_rows': SHARD_ROWS, 'num_views': 0}
    try:
        there = TeacherCache(folder, '--out').manifest
    except CacheError:  # none yet, or damaged: files that are of this cache are known by their checksums
        there = body
    readings = [[Reading.from_json(value['reading']) for value in one['values']] for one in (there, body)]
    if missing := [str(reading) for reading in readings[1] if reading not in readings[0]]:
        raise CacheError(
            f'--out={str(folder)!r} holds a cache without the {", ".join(missing)}: name another folder, with the '
            'configs of all the terms that are to share it'
        )
    if there['data']['samples'] != body['data']['samples']:
        check_samples(TeacherCache(folder, '--out').samples(), samples, f'--out={str(folder)!r}')
    if faults := differences(*map(identity_of, (there, {**body, 'values': there['values']}))):
        raise CacheError(
            f'--out={str(folder)!r} holds a cache of something else: {"; ".join(faults)}. Name another folder, or '
            'remove it'
        )
    remove_parts(folder)
    with open_whole(folder / SAMPLES, 'w') as file:
        json.dump(samples, file)
    write_manifest(folder, there)
    return TeacherCache(folder, '--out')


def finish(cache: TeacherCache, num_views: int) -> None:
    """Lets the manifest say that so many views are there, as soon as they are.

    Raises:
        CacheError: If they are not.
    """
    cache.check_whole(num_views)
    write_manifest(cache.folder, {**cache.manifest, 'num_views': num_views})


def check_draws(views: EveryView, rows: Sequence[int], known: Callable[[int], Sequence[int]], where: str) -> None:
    """Refuses a data set whose draws show the teachers something else, which training would find too late.

    Args:
        views: The data set's samples, as rows.
        rows: The rows that may be compared; the first of them are.
        known: Gives stand-in and digest of a row as it was drawn before.
        where: What the data set shall be used for, for errors.

    Raises:
        CacheError: If one of them is drawn otherwise.
    """
    for row in rows[:LOOKED_AT]:
        if views[row]['drawn'].tolist()[1:] != [int(value) for value in known(row)]:
            raise CacheError(
                f'{where}: of sample {row % views.samples} the teachers would be shown something else: another video '
                "of the same size, frames that another student's view moves, or another version of a library"
            )


def check_repeats(views: EveryView, rows: Sequence[int]) -> None:
    """Refuses a data set that draws one view of a sample in two ways: teachers and student would be shown two.

    Args:
        views: The data set's samples, as rows.
        rows: The rows that will be written; the first of them are drawn twice.

    Raises:
        CacheError: If so.
    """
    for row in rows[:LOOKED_AT]:
        first, second = (views[row]['inputs'] for _ in range(2))
        if not torch.equal(first, second):
            raise CacheError(
                f'train_dataloader.dataset gives one view of sample {row % views.samples} twice, and not the same: a '
                'transform of its pipeline draws from random numbers of its own (ImgAug and Albumentations may), so '
                'that a student would be shown something else than the teachers were: leave it out, or train without a '
                'cache'
            )


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
