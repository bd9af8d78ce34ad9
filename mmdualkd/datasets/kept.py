"""Decoded frames that are kept in files, so that a video which is read again and again is decoded once."""

import functools
import hashlib
import logging
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import cv2
import decord
import numpy as np
import torch
from mmengine.logging import print_log

from ..errors import ConfigError, DataError
from ..files import PART
from .reading import InOrder, Video, file_of, open_video, stamp

KEEP_GB = 16.0  # that all kept frames may take, unless the user says otherwise
LARGEST = 1 << 28  # bytes that the frames of one video may take; it is decoded each time if they take more
SPARE, SPARE_GB = 0.05, 2.0  # of the disk, which is left free, but no more than this of a large one
UNSEEN = 1 / 64  # of the room, which is filled before the folder is looked through again
DECODERS = decord.__version__, cv2.__version__  # environments that share a folder may have others
ABANDONED = 3600.0  # seconds after which a part is one of a process that was killed; one is written in some seconds
NAME = rf'[0-9a-f]{{32}}\.pt(\.[0-9a-f]+{re.escape(PART)})?'
# what torch.load raises of a file that is none of its own, or was cut short
UNREADABLE = (OSError, RuntimeError, EOFError, ValueError, LookupError, AttributeError, TypeError, UnpicklingError)


class KeptFrames(InOrder):
    """The frames of a video out of a file; for anything else it opens the video.

    Args:
        file: A file that :meth:`Keeper._write` wrote.
        video: Opens the video.

    Raises:
        Any of :data:`UNREADABLE`: If it is no such file.
    """

    def __init__(self, file: Path, video: functools.partial) -> None:
        kept = torch.load(file, map_location='cpu', mmap=True, weights_only=True)
        self.frames, self.fps, self.open = kept['frames'].numpy(), float(kept['fps']), video
        if self.frames.dtype != np.uint8 or self.frames.ndim != 4:
            raise ValueError(f'{file}: frames of {self.frames.dtype}, of {self.frames.ndim} dimensions')

    @functools.cached_property
    def reader(self) -> Video:
        """The video itself."""
        return self.open()

    def _decode(self, frames: np.ndarray) -> Iterator[np.ndarray]:
        return (self.frames[frame] for frame in frames)

    def get_avg_fps(self) -> float:
        """Frames a second."""
        return self.fps

    def __len__(self) -> int:
        return len(self.frames)


class Keeper:
    """Opens videos, and keeps the frames of those that it opens for the first time, until there is no more room.

    A video is known by its path, size and time of last change, by the size that its frames are shrunk to, and by the
    versions of decord and OpenCV. One that cannot be kept (too long, not all of it decodes, no room) is decoded each
    time; each process tells once that there is no room.

    Args:
        folder: Where the files lie; any number of processes may share it.
        limit: Bytes that all files in it may take.
    """

    def __init__(self, folder: Path, limit: float) -> None:
        self.folder, self.limit = folder, limit
        self.full, self.room = False, 0.0
        self.left_out: set[Path] = set()
        for part in folder.glob(f'*{PART}'):
            with suppress(OSError):
                if time.time() - part.stat().st_mtime > ABANDONED:
                    part.unlink()

    def open(self, path: str, **how: Any) -> InOrder:
        """Opens a video as :func:`~mmdualkd.datasets.reading.open_video` does, with the same arguments and errors."""
        video = functools.partial(open_video, path, **how)
        try:
            known = os.path.abspath(file_of(path)), stamp(file_of(path)), how.get('short_side'), DECODERS
        except OSError:
            return video()
        name = hashlib.sha256(repr(known).encode(errors='surrogatepass')).hexdigest()[:32]
        file = self.folder / f'{name}.pt'
        if file.is_file():
            with suppress(*UNREADABLE):  # one that was cut short is written anew
                return KeptFrames(file, video)
        opened = video()
        if not self.full and file not in self.left_out:
            if self._keep(opened, file):
                with suppress(*UNREADABLE):  # as later: a damaged video's depend on what is asked
                    return KeptFrames(file, video)
            self.left_out.add(file)
        return opened

    def _keep(self, video: Video, file: Path) -> bool:
        """Writes a video's frames, unless there is a reason not to."""
        try:
            size = len(video) * video[0].nbytes
            if size > LARGEST:
                return False
            if reason := self._no_room(size):
                self._stop(reason)
                return False
            frames = video.get_batch(range(len(video))).asnumpy()
        except (decord.DECORDError, DataError, IndexError, StopIteration, RuntimeError):
            return False  # what is asked of it may decode all the same
        return self._write(file, frames, video.get_avg_fps())

    def _no_room(self, size: int) -> str | None:
        if size <= self.room:
            self.room -= size
            return None
        kept = 0
        try:
            for entry in os.scandir(self.folder):
                with suppress(FileNotFoundError):  # another process has just renamed it
                    kept += entry.stat().st_size
            disk = shutil.disk_usage(self.folder)
        except OSError as error:
            return str(error)
        if kept + size > self.limit:
            return f'it holds {kept / 1e9:.1f} of {self.limit / 1e9:g} GB'
        left = disk.free - size - min(SPARE * disk.total, SPARE_GB * 1e9)
        self.room = UNSEEN * min(self.limit - kept - size, left)
        return 'its disk is all but full' if left < 0 else None

    def _write(self, file: Path, frames: np.ndarray, fps: float) -> bool:
        part = file.with_name(f'{file.name}.{uuid.uuid4().hex}{PART}')  # process ids repeat, in containers at least
        try:
            torch.save(dict(frames=torch.from_numpy(frames), fps=float(fps)), part)
            with part.open('rb') as written:
                os.fsync(written.fileno())  # or a power cut leaves zeros under the new name, which are frames, too
            os.replace(part, file)
        except (OSError, RuntimeError) as error:  # torch's writer raises a RuntimeError of a full disk
            self._stop(' '.join(str(error).split())[:200])
            return False
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        return True

    def _stop(self, reason: str) -> None:
        self.full = True
        print_log(
            f'no further frames are kept in {str(self.folder)!r}: {reason}; other videos are decoded each time',
            logger='current',
            level=logging.WARNING,
        )


def folder_of(where: str, keep_in: object) -> Path:
    """The folder that a ``keep_in`` names.

    Raises:
        ConfigError: If it names none; begins with ``where``.
    """
    if not isinstance(keep_in, str | Path) or not str(keep_in).strip():
        raise ConfigError(f'{where}: keep_in must be None or the path of a folder, got {keep_in!r}')
    try:
        return Path(keep_in).expanduser()
    except RuntimeError as error:  # of a user who is not there
        raise ConfigError(f'{where}: keep_in={str(keep_in)!r}: {error}') from error


def others_in(folder: Path) -> list[str]:
    """What lies in a folder beside kept frames."""
    return [entry.name for entry in os.scandir(folder) if not re.fullmatch(NAME, entry.name) or entry.is_dir()]


def remove_kept(folder: Path) -> None:
    """Removes kept frames, and the folder if nothing else lies in it."""
    for file in folder.glob('*.pt*'):
        if re.fullmatch(NAME, file.name):
            with suppress(OSError):
                file.unlink()
    with suppress(OSError):
        folder.rmdir()
