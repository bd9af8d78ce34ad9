"""A cache's folder: its manifest, and records that are checked as they are read."""

import hashlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CacheError
from ..files import open_whole
from ..teachers.readings import Reading
from .layout import Layout

MANIFEST = 'manifest.json'
SAMPLES = 'samples.json'
FORMAT = 1
COMMAND = 'python tools/cache_teachers.py CONFIG --out'


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
        self.manifest = _read_json(self.folder / MANIFEST, self.where)
        body = {name: value for name, value in self.manifest.items() if name != 'digest'}
        if self.manifest.get('format') != FORMAT:
            raise CacheError(
                f'{self.where} has the format {self.manifest.get("format")!r}, this version reads {FORMAT}'
            )
        if digest(body) != self.manifest.get('digest'):
            raise CacheError(f'{self.where}: {MANIFEST} is damaged; {self.cure}')
        shapes = {Reading.from_json(value['reading']): value['shape'] for value in self.manifest['values']}
        count, shard_rows = self.manifest['data']['count'], self.manifest['shard_rows']
        self.layout = Layout(shapes, self.manifest['dtype'], count, shard_rows)
        self.num_views = self.manifest['num_views']

    @property
    def cure(self) -> str:
        """The command that completes it, for errors."""
        return f'{COMMAND} {self.folder} completes and mends a cache'

    def check_whole(self) -> None:
        """Looks at all of its files, without reading their records.

        Raises:
            CacheError: Names the files that are missing, or are not what they should be.
        """
        faults = [fault for name in self.layout.shards(self.num_views) if (fault := self.fault(name))]
        if faults:
            more = f' and {len(faults) - 3} more' if len(faults) > 3 else ''
            count = sum(1 for _ in self.layout.shards(self.num_views))
            raise CacheError(
                f'{self.where} is not whole: of {count} files {len(faults)} are missing or damaged '
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

    def _open(self, name: str) -> np.ndarray:
        try:
            shard = np.load(self.folder / name, mmap_mode='r', allow_pickle=False)
        except FileNotFoundError as error:
            raise CacheError(f'{name} is missing') from error
        except (OSError, ValueError, EOFError, SyntaxError, TypeError) as error:
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
        try:
            record = self._opened(name)[place]
        except CacheError as error:
            raise CacheError(f'{self.where}: {error}; {self.cure}') from error
        if self.layout.checksum(record, row) != record['check']:
            raise CacheError(f'{self.where}: record {place} of {name} is damaged; {self.cure}')
        return record

    @lru_cache(maxsize=64)  # noqa: B019  (a cache lives as long as the training)
    def _opened(self, name: str) -> np.ndarray:
        return self._open(name)

    def samples(self) -> list[list]:
        """The list of samples that it was made from: data set, name, label, bytes of the file.

        Raises:
            CacheError: If it is missing or damaged.
        """
        samples = _read_json(self.folder / SAMPLES, self.where)
        if digest(samples) != self.manifest['data']['samples']:
            raise CacheError(f'{self.where}: {SAMPLES} is damaged or of another cache; {self.cure}')
        return samples


def write_manifest(folder: Path, body: Mapping[str, Any]) -> None:
    """Writes a manifest, whole or not at all."""
    body = json.loads(json.dumps({**body, 'format': FORMAT}))
    with open_whole(folder / MANIFEST, 'w') as file:
        json.dump({**body, 'digest': digest(body)}, file, indent=1)


def digest(value: Any) -> str:
    """The SHA-256 of plain values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _read_json(path: Path, where: str) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise CacheError(f'{where} is no cache of teachers: it has no {path.name}; {COMMAND} ... writes one') from error
    except (OSError, ValueError) as error:
        raise CacheError(f'{where}: {path.name} cannot be read: {error}') from error
