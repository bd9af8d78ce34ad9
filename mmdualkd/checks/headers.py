"""Headers (and ends) of videos and pictures: whether a file can be opened, without decoding it."""

import functools
import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
from PIL import Image

from ..bar import progress
from ..datasets.finding import HUGE, end_fault
from ..datasets.reading import check_whole, file_of, stamp
from ..errors import DataError
from ..machine import cores

QUIET = '-8'  # FFmpeg's AV_LOG_QUIET


def unreadable(files: Collection[str], pictures: bool) -> dict[str, str]:
    """Opens files; gives what is wrong with those that cannot be opened. The time that is left is shown.

    Args:
        files: Paths.
        pictures: Whether they are pictures; else they are videos, or folders of a video's frames.
    """
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', QUIET)  # read when the first video is opened
    faults = {}
    with ThreadPoolExecutor(cores()) as pool:
        found = pool.map(functools.partial(fault_of, pictures=pictures), files)  # seconds for the files of Kinetics
        with progress(len(files), 'opening files') as done:
            for file, fault in zip(files, found, strict=True):
                if fault:
                    faults[file] = fault
                done(1)
    return faults


def fault_of(file: str, pictures: bool) -> str | None:
    """What is wrong with a file's header; None if it can be opened."""
    path = Path(file)
    if path.is_dir():
        return None if any(path.iterdir()) else 'an empty folder'
    file = file if pictures else file_of(file)
    try:
        return _fault(file, *stamp(file), pictures)
    except OSError as error:
        return error.strerror or str(error)


@functools.lru_cache(maxsize=1 << 20)
def _fault(file: str, size: int, changed: int, pictures: bool) -> str | None:
    """The same of a file that is there, until it changes."""
    if not size:
        return 'it is empty'
    if pictures:
        try:
            with Image.open(file) as picture:
                if min(picture.size) <= 0:
                    return 'it has no pixels'
                fault = end_fault(Path(file), picture.format)
                return fault and f'it {fault}'
        except Image.DecompressionBombError:
            return f'it {HUGE}'
        except (OSError, SyntaxError, ValueError):
            return 'it is no picture'
    try:
        check_whole(file)
    except DataError:
        return 'it is cut short'
    if lacks_boxes(file, size):
        return 'it is cut short'
    capture = cv2.VideoCapture(file, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    try:
        return None if capture.isOpened() and capture.get(cv2.CAP_PROP_FRAME_WIDTH) > 0 else 'it is no video'
    finally:
        capture.release()


def lacks_boxes(file: str, size: int) -> bool:
    """Whether an MP4 or MOV is shorter than its parts say: each begins with its length, and a name."""
    start = 0
    with open(file, 'rb') as stream:
        if stream.read(8)[4:] != b'ftyp':
            return False
        while start + 8 <= size:
            stream.seek(start)
            head = stream.read(16)
            length = int.from_bytes(head[:4], 'big')
            if length == 1:
                length = int.from_bytes(head[8:16], 'big')
            if length < 8:  # 0: to the end of the file
                return False
            start += length
    return start > size
