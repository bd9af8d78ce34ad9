"""A cache's folder: its manifest, and records that are checked as they are read."""

import hashlib
import json
import os
import shlex
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..differences import flat
from ..errors import CacheError, ConfigError
from ..files import open_whole
from ..teachers.readings import Reading
from .layout import Layout

MANIFEST = 'manifest.json'
SAMPLES = 'samples.json'
FORMAT = 3
COMMAND = 'mmdualkd cache CONFIG --out'


class TeacherCache:
    """A folder that ``tools/cache_teachers.py`` wrote, opened for reading; any number of processes may.

    Args:
        folder: The folder.
        key: What names it, for errors (``model.teacher_cache``).

    Attributes:
        manifest: What it was made from: ``teachers``, ``views``, ``data``, and how it is written.
        layout: How its values lie in the files.
        num_views: Draws of each sample.

    Raises:
        CacheError: If it is no cache, damaged, or of another format.
    """

    def __init__(self, folder: str | os.PathLike, key: str = 'model.teacher_cache') -> None:
        self.folder = Path(folder).expanduser()
        self.where = f'{key}={str(folder)!r}'
        self.num_views, self._flags = 0, ''  # not known yet
        self.manifest = _read_json(self.folder / MANIFEST, self.where, self.cure)
        if not isinstance(self.manifest, dict) or self.manifest.pop('digest', None) != digest(self.manifest):
            raise CacheError(f'{self.where}: {MANIFEST} is damaged; {self.cure}')
        if self.manifest['format'] != FORMAT:
            raise ConfigError(
                f'{self.where} has the format {self.manifest["format"]}, this version reads {FORMAT}: write it anew, '
                'in another folder'
            )
        shapes = {Reading.from_json(value['reading']): value['shape'] for value in self.manifest['values']}
        count, rows = self.manifest['data']['count'], self.manifest['shard_rows']
        identity = int(digest(identity_of(self.manifest))[:8], 16)
        self.layout = Layout(shapes, self.manifest['dtype'], count, rows, identity)
        self.num_views = self.manifest['num_views']
        self._flags = f' --dtype {self.layout.dtype}{" --amp" * bool(self.manifest["amp"])}'

    def command(self, views: int | str) -> str:
        """The command that writes so many views of it, for errors."""
        return f'{COMMAND} {shlex.quote(str(self.folder))} --views {views}{self._flags}'

    @property
    def cure(self) -> str:
        """What completes it, for errors."""
        return f'{self.command(self.num_views or "N")} completes and mends a cache'

    def check_whole(self, num_views: int | None = None) -> None:
        """Looks at all of its files, without reading their records.

        Args:
            num_views: The views that are to be there; None takes the manifest's.

        Raises:
            CacheError: Names the files that are missing, or are not what they should be.
        """
        num_views = self.num_views if num_views is None else num_views
        if not num_views:
            raise CacheError(f'{self.where} is not whole: its writing was stopped; {self.cure}')
        names = list(self.layout.shards(num_views))
        faults = [fault for name in names if (fault := self.fault(name))]
        if faults:
            more = f' and {len(faults) - 3} more' if len(faults) > 3 else ''
            raise CacheError(
                f'{self.where} is not whole: of {len(names)} files {len(faults)} are missing or damaged '
                f'({"; ".join(faults[:3])}{more}); {self.cure}'
            )

    def fault(self, name: str, records: bool = False) -> str | None:
        """What is wrong with a file; None if nothing.

        Args:
            name: The file.
            records: Compares each record with its checksum.
        """
        try:
            shard = self._open(name)
        except CacheError as error:
            return str(error)
        wrong = [row for row, record in zip(self.layout.rows(name), shard, strict=True) if records
                 and self.layout.checksum(record, row) != record['check']]  # fmt: skip
        return f'{name}: {len(wrong)} of {len(shard)} records are damaged' if wrong else None

    def _open(self, name: str) -> np.memmap:
        try:
            shard = np.load(self.folder / name, mmap_mode='r', allow_pickle=False)
        except FileNotFoundError as error:
            raise CacheError(f'{name} is missing') from error
        except Exception as error:  # whatever a damaged header makes Python's parser say
            raise CacheError(f'{name} cannot be read ({" ".join(str(error).split())})') from error
        if shard.dtype != self.layout.record or shard.shape != (len(self.layout.rows(name)),):
            raise CacheError(f'{name} holds other records')
        return shard

    def read(self, row: int) -> np.void:
        """Reads a record.

        Args:
            row: Its number, see :class:`~mmdualkd.cache.layout.Layout`.

        Raises:
            CacheError: If it is not there or damaged.
        """
        name, place = self.layout.place(row)
        size = self.layout.record.itemsize
        try:
            file, begin = self._opened(name)
        except CacheError as error:
            raise CacheError(f'{self.where}: {error}; {self.cure}') from error
        content = os.pread(file.fileno(), size, begin + place * size)  # a map of a file cut short would end the process
        if len(content) == size:
            record = np.frombuffer(content, self.layout.record)[0]
            if self.layout.checksum(record, row) == record['check']:
                return record
        raise CacheError(f'{self.where}: record {place} of {name} is damaged; {self.cure}')

    @lru_cache(maxsize=64)  # noqa: B019  (a cache lives as long as the training)
    def _opened(self, name: str) -> tuple[IO[bytes], int]:
        begin = self._open(name).offset
        return (self.folder / name).open('rb'), begin

    def failed(self, num_views: int) -> list[int]:
        """The samples of which a view is another one's, for they did not decode."""
        shards = ((self.layout.rows(name), self._open(name)) for name in self.layout.shards(num_views))
        return sorted({rows[place] % self.layout.samples for rows, shard in shards
                       for place in shard['stand_in'].nonzero()[0]})  # fmt: skip

    def samples(self) -> list[list]:
        """The list of samples that it was made from: data set, name, bytes of the file, its part.

        Raises:
            CacheError: If it is missing or damaged.
        """
        samples = _read_json(self.folder / SAMPLES, self.where, self.cure)
        if digest(samples) != self.manifest['data']['samples']:
            raise CacheError(f'{self.where}: {SAMPLES} is damaged or of another cache; {self.cure}')
        return samples


def write_manifest(folder: Path, body: Mapping[str, Any]) -> None:
    """Writes a manifest, whole or not at all."""
    body = json.loads(json.dumps({**body, 'format': FORMAT}))  # lists for tuples, as it will be read
    with open_whole(folder / MANIFEST, 'w') as file:
        json.dump({**body, 'digest': digest(body)}, file, indent=1)


def digest(value: Any) -> str:
    """The SHA-256 of plain values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def identity_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a cache the one that it is, as flat settings: all but its size and who wrote it."""
    teachers = {
        name: {key: value for key, value in teacher.items() if key not in ('address', 'file')}  # these may move
        for name, teacher in body['teachers'].items()
    }
    return flat('cache', {**{key: body[key] for key in ('values', 'data', 'dtype', 'amp')}, 'teachers': teachers})


def _read_json(path: Path, where: str, cure: str) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise CacheError(f'{where} is no cache of teachers: it has no {path.name}; {COMMAND} ... writes one') from error
    except (OSError, ValueError) as error:
        raise CacheError(f'{where}: {path.name} cannot be read: {error}; {cure}') from error
