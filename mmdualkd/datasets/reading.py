"""Reading videos: frame f is the f-th picture of the file, whatever else is asked for."""

import bisect
import functools
import os
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, BinaryIO

import cv2
import decord
import numpy as np

from ..errors import DataError

MAX_RIFF = 1 << 32
WALK = 16  # frames that are decoded rather than sought over: a seek costs about as much
MATROSKA, SEGMENT = b'\x1aE\xdf\xa3', b'\x18S\x80g'  # how a file and what it holds begin, WebM as well
TAIL = 4  # packets at the end of a file that may be without a picture, at no cost
INDEXED = {b'RIFF': slice(4), MATROSKA: slice(4), b'ftyp': slice(4, 8)}  # AVI, Matroska and WebM, MP4 and MOV


class InOrder:
    """A decord reader that decodes each frame of a batch once and in order: to step back, decord starts over.

    Everything else is decord's.
    """

    def __init__(self, reader: decord.VideoReader) -> None:
        self.reader = reader

    def get_batch(self, indices: Sequence[int]) -> SimpleNamespace:
        """Decodes frames; of the result ``asnumpy()`` gives uint8 RGB (len(indices), height, width, 3).

        Raises:
            IndexError: If the video has no such frame. Negative ones count from the end.
        """
        indices = np.array(indices, dtype=np.int64)
        indices[indices < 0] += len(self)
        if indices.size and not 0 <= indices.min() <= indices.max() < len(self):
            raise IndexError(f'frames {indices.min()} to {indices.max()} of a video of {len(self)}')
        distinct, places = np.unique(indices, return_inverse=True)
        clip = None
        for number, picture in enumerate(self._decode(distinct)):
            if clip is None:
                clip = np.empty((len(indices), *picture.shape), dtype=picture.dtype)
            clip[places == number] = picture
        return SimpleNamespace(asnumpy=lambda: clip)

    def _decode(self, frames: np.ndarray) -> Iterator[np.ndarray]:
        """Gives the pictures of distinct frames in ascending order; one may be overwritten by the next."""
        yield from self.reader.get_batch(frames).asnumpy()

    def __getitem__(self, index: int) -> np.ndarray:
        return self.get_batch([index]).asnumpy()[0]

    def __len__(self) -> int:
        return len(self.reader)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.reader, name)


class Video(InOrder):
    """A file whose frame f is the f-th picture of a decode from its start to its end.

    decord alone is exact as long as it reads on. Its seeks are not where pictures are stored in another order than
    they are shown (B-frames): it takes a key frame's place among the packets for its place among the pictures, so that
    frames behind a key frame are others, and it knows no place at all where packets have no times (AVI with B-frames,
    MPEG streams). So here

    - a file with times is decoded by decord, which seeks only to where that is exact (:func:`first_exact`), and only
      over more than 16 frames; otherwise it decodes on, over key frames too;
    - a file without is decoded from its start by OpenCV, whose pictures are decord's bit for bit, and which does not
      convert the pictures that nobody asked for. Where it has fewer pictures than packets, the last one stands for
      those that lack.

    Args:
        path: The file.
        num_threads: Threads that decode it; 0 leaves it to the decoder.
        short_side: Lets decord shrink what is larger to this short side, in pixels.
    """

    def __init__(self, path: str, num_threads: int = 1, short_side: int | None = None) -> None:
        width, height = (-1, -1) if short_side is None else shrunk(*frame_size(path, *stamp(path)), short_side)
        super().__init__(decord.VideoReader(path, width=width, height=height, num_threads=num_threads))
        self.path, self.num_threads = path, num_threads

    def _decode(self, frames: np.ndarray) -> Iterator[np.ndarray]:
        return self._by_time(frames) if self.has_times else self._from_the_start(frames)

    @functools.cached_property
    def has_times(self) -> bool:
        """Whether every packet has a time of its own, from 0, and the file an index to seek by."""
        with open(self.path, 'rb') as file:
            head = file.read(8)
        if not any(head[place] == mark for mark, place in INDEXED.items()):
            return False
        starts = self.reader.get_frame_timestamp(np.arange(len(self)))[:, 0]
        return bool(starts[0] > -1e-3 and (np.diff(starts) > 0).all())

    def _by_time(self, frames: np.ndarray) -> Iterator[np.ndarray]:
        self.reader.seek(0)
        position = 0
        for frame in frames.tolist():
            self._approach(position, frame)
            picture = self.reader.next().asnumpy()
            height, width = picture.shape[:2]  # of rows that are padded to 4 values a pixel decord says so
            yield picture.reshape(height, -1)[:, : 3 * width].reshape(height, width, 3)
            position = frame + 1

    def _approach(self, position: int, frame: int) -> None:
        """Moves decord on to ``frame``. Within a key frame's pictures ``seek_accurate`` decodes on."""
        keys, reader = self.reader.get_key_indices(), self.reader
        target = self._target(position, frame)
        if target is not None:
            reader.seek_accurate(target)
            if target == frame:
                return
            reader.next()  # seek_accurate may leave a picture behind, which the next call gives
            position = target + 1
        for key in keys[bisect.bisect_right(keys, position) : bisect.bisect_right(keys, frame)]:
            if key - 1 > position:
                reader.seek_accurate(key - 1)
            reader.next()
            position = key
        if frame > position:
            reader.seek_accurate(frame)

    def _target(self, position: int, frame: int) -> int | None:
        """The last frame up to ``frame`` that a seek reaches exactly, if it spares more than 16 frames."""
        keys = self.reader.get_key_indices()
        place = bisect.bisect_right(keys, frame) - 1
        target = frame
        while place >= 0 and keys[place] - position > WALK:
            first = first_exact(self.path, *stamp(self.path))
            if len(first) != len(keys):
                return None
            if first[place] <= target:
                return target
            target = keys[place] - 1
            place -= 1
        return None

    def _from_the_start(self, frames: np.ndarray) -> Iterator[np.ndarray]:
        capture = cv2.VideoCapture(self.path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, self.num_threads])
        position = held = -1
        picture = None
        for frame in frames.tolist():
            while position < frame and capture.grab():
                position += 1
                if position == frame or position >= len(self) - TAIL:
                    picture = cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB, dst=picture)
                    held = position
            if position < 0:
                raise DataError(f'{self.path} has no picture that decodes')
            if held != min(frame, position):  # the last picture had passed before it was known to be the last
                picture = next(self._from_the_start(np.array([position])))
                held = position
            yield picture


def stamp(path: str) -> tuple[int, int]:
    """A file's size in bytes and the time of its last change: what is known of a file is forgotten with them."""
    stat = os.stat(path)
    return stat.st_size, stat.st_mtime_ns


@functools.lru_cache(maxsize=1 << 16)
def frame_size(path: str, size: int, changed: int) -> tuple[int, int]:
    """Width and height of a video's frames in pixels, (0, 0) if it cannot be opened; see :func:`stamp`."""
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    return int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))


def shrunk(width: int, height: int, short_side: int) -> tuple[int, int]:
    """The size with that short side and the same proportions; (-1, -1) for frames that are not larger."""
    scale = short_side / max(min(width, height), 1)
    return (round(width * scale), round(height * scale)) if scale < 1 else (-1, -1)


@functools.lru_cache(maxsize=1024)
def first_exact(path: str, size: int, changed: int) -> list[float]:
    """The first frame behind each key frame that decord's seek to that key frame reaches exactly.

    decord finds its place by the time of the first picture that comes, the key frame (those that are shown before it
    and stored behind it lack what they refer to). If that is not where it meant to be, it goes on from there to
    frames behind the next one; for others it seeks again and counts wrong. Reads the packets, decodes none.

    Args:
        path: The file.
        size: Its size, and
        changed: the time of its last change, see :func:`stamp`.

    Returns:
        A frame each key frame, in the order of the file: itself where none is shown before it that is stored behind it.
        Infinity where the seek is never exact. Empty if the packets have no times of their own.
    """
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1, cv2.CAP_PROP_N_THREADS, 1])
    times, keys = [], []
    while capture.grab():
        if capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME):
            keys.append(len(times))
        times.append(capture.get(cv2.CAP_PROP_PTS))
    times = np.array(times)
    if len(np.unique(times)) < len(times):
        return []
    places = np.argsort(np.argsort(times))
    latest = np.maximum.accumulate(times)
    first = []
    for key in keys:
        cut = key > 0 and latest[key - 1] > times[key]  # pictures from before it are shown behind it
        first.append(float('inf') if cut else key if places[key] == key else int(places[key]) + 2)
    return first


def file_of(filename: str) -> str:
    """The file that a name means: as in mmaction2, one without an extension means ``.mp4``."""
    return filename if os.path.splitext(filename)[1] else f'{filename}.mp4'


def file_meant(filename: str) -> str:
    """A video's name in a list with the extension that it is read by: ``clip`` where there is ``clip.mp4`` alone.

    What is told of a file (its size, whether it is there, what a cache of teachers knows of it) is told of that.
    """
    other = file_of(filename)
    alone = other != filename and '://' not in filename and not os.path.isfile(filename) and os.path.isfile(other)
    return other if alone else filename


def open_video(filename: str, num_threads: int = 1, cls: type[Video] = Video, **kwargs: Any) -> Video:
    """Opens a local video by its path, see :func:`file_of`.

    Args:
        filename: The file.
        num_threads: Threads that decode it; 0 leaves it to the decoder.
        cls: What reads it.
        **kwargs: Its further arguments.

    Raises:
        DataError: If an AVI, a Matroska or a WebM file is cut short. decord would give what is left as the whole video.
    """
    path = file_of(filename)
    check_whole(path)
    return cls(path, num_threads=num_threads, **kwargs)


def check_whole(path: str) -> None:
    """Refuses a file that is shorter than its parts say; decord refuses an MP4 that is cut short itself.

    (The number of frames that an AVI's header names is no help: in UT-Interaction's files it is garbage.)

    Raises:
        DataError: Names the file and the bytes that it has and should have.
    """
    size = os.path.getsize(path)
    with open(path, 'rb') as file:
        end = _end_of_matroska(file) if file.read(4) == MATROSKA else _end_of_avi(file, size)
    if end > size + 1:  # a pad byte may be left out
        raise DataError(f'{path} is cut short: it has {size} of {end} bytes')


def _end_of_avi(file: BinaryIO, size: int) -> int:
    """Where the last part ends that begins in the file by its header; 0 where the file tells nothing."""
    start = 0
    file.seek(0)
    while start < size and (head := file.read(8))[:4] == b'RIFF':
        length = int.from_bytes(head[4:], 'little') + 8
        if length >= MAX_RIFF:  # of a stream, whose writer did not know
            return 0
        start += length
        file.seek(start)
    return start


def _end_of_matroska(file: BinaryIO) -> int:
    """Where the segment ends, behind the header whose first four bytes are read; 0 where its writer did not know."""
    header = _read_size(file)
    if header is None:
        return 0
    file.seek(header, os.SEEK_CUR)
    if file.read(4) != SEGMENT:
        return 0
    segment = _read_size(file)
    return 0 if segment is None else file.tell() + segment


def _read_size(file: BinaryIO) -> int | None:
    """Reads a size of Matroska's: zeros before the first one say how many bytes follow; None if it is not known."""
    first = int.from_bytes(file.read(1), 'big')
    more = 8 - first.bit_length()
    size = int.from_bytes(bytes([first]) + file.read(more), 'big') if first else 0
    bits = 7 * (more + 1)
    value = size & ((1 << bits) - 1)
    return None if not first or value == (1 << bits) - 1 else value
