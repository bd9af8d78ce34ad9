"""The videos or pictures in a folder, and what is wrong with its other files."""

import json
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import decord
import numpy as np
from mmengine.logging import print_log
from PIL import Image

from ..bar import progress
from ..errors import DataError
from ..names import RUN
from .reading import Video, check_whole, file_of

SUFFIXES = (
    *('.jpg', '.jpeg', '.jfif', '.jpe', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm', '.pgm', '.gif'),
    *('.jp2', '.avif'),
)  # of pictures
ENDS = dict(JPEG=b'\xff\xd9', MPO=b'\xff\xd9', PNG=b'IEND')  # what stands at the end of a picture's file
# FFmpeg draws what is written, or plays what is listed: a video to it
TEXTS = ('.txt', '.nfo', '.diz', '.asc', '.ans', '.ice', '.art', '.vt', '.m3u8')
HUGE = 'has more pixels than Pillow opens: make it smaller'
END = 1024  # bytes that are looked through for it


def find_videos(
    folder: str | Path, out: str | Path | None = None, paths: Iterable[str] | None = None
) -> tuple[list[str], dict[str, str]]:
    """Finds the videos in a folder, by the first frame of each file; shows how far it is.

    Args:
        folder: The folder, with class folders at any depth; hidden folders are left out, links are followed.
        out: A folder in it whose files are left out: that of the annotations.
        paths: Files to look at, from ``folder`` (those of a table); None takes all that lie in it.

    Returns:
        The paths of the videos from ``folder``, with ``/``, and of the other files what is wrong with them
        (``is empty (0 bytes)``).
    """
    decord.logging.set_level(decord.logging.QUIET)  # what does not decode is told by the caller
    return _readable(folder, out, paths, video_fault)


def find_pictures(
    folder: str | Path, out: str | Path | None = None, paths: Iterable[str] | None = None
) -> tuple[list[str], dict[str, str]]:
    """Finds the pictures in a folder, by header, end and (PNG) checksums of each file; see :func:`find_videos`."""
    return _readable(folder, out, paths, picture_fault)


def _readable(
    folder: str | Path, out: str | Path | None, paths: Iterable[str] | None, fault_of: Callable[[Path], str | None]
) -> tuple[list[str], dict[str, str]]:
    folder = Path(folder)
    if paths is None:
        paths = [path.relative_to(folder).as_posix() for path in files_below(folder, out)]
    paths, faults = list(paths), {}
    with progress(len(paths), 'reading') as done:
        for path in paths:
            faults[path] = fault_of(folder / path)
            done(1)
    good = [path for path, fault in faults.items() if fault is None]
    return good, {path: fault for path, fault in faults.items() if fault is not None}


def files_below(folder: str | Path, out: str | Path | None = None) -> list[Path]:
    """Each file below a folder once, by its name without links if it has one; hidden ones are left out.

    A warning tells of files and folders that links put into several places, which may be those of two classes, and of
    runs of ``mmdualkd distill`` in it, which are left out.

    Args:
        folder: The folder.
        out: A folder in it whose files are left out.
    """
    folder = Path(folder)
    seen: dict[Path, Path | None] = {}
    files, waiting, again = [], [folder], []
    if out is not None and folder.resolve() in Path(out).resolve().parents:
        seen[Path(out).resolve()] = None
    for start in waiting:  # class folders may be links; a link may lead back to where it stands
        for parent, folders, names in os.walk(start):
            folders[:] = sorted(name for name in folders if not name.startswith('.'))
            place = Path(parent).resolve()
            if place in seen:
                if seen[place] and not Path(parent).parent.resolve().is_relative_to(place):  # no loop
                    again.append((seen[place], Path(parent)))
                folders.clear()
                continue
            seen[place] = Path(parent)
            if RUN in names and place != folder.resolve() and _is_run(Path(parent)):
                message = f'{parent} is left out: it is a run of `mmdualkd distill`, no folder of samples'
                print_log(message, logger='current', level=logging.WARNING)
                folders.clear()
                continue
            waiting += [path for path in (Path(parent, name) for name in folders) if path.is_symlink()]
            names = sorted(name for name in names if not name.startswith('.'))
            files += [path for path in (Path(parent, name) for name in names) if path.is_file()]
    once: dict[str, list[Path]] = {}
    for path in sorted(files, key=Path.is_symlink):
        once.setdefault(os.path.realpath(path), []).append(path)
    several = [(paths[0], paths[1]) for paths in once.values() if len({path.parent for path in paths}) > 1]
    for what, pairs in (('folder', again), ('file', several)):
        if pairs:
            (first, other), more = pairs[0], f' (and {len(pairs) - 1} more)' if pairs[1:] else ''
            message = f'a {what} that links put into several folders counts once: {first}, not {other}{more}'
            print_log(message, logger='current', level=logging.WARNING)
    return sorted(paths[0] for paths in once.values())


def _is_run(folder: Path) -> bool:
    """Whether a folder is that of a run, whose frames and pictures are no samples."""
    try:
        return 'stages' in json.loads((folder / RUN).read_text(encoding='utf-8'))
    except (OSError, ValueError, TypeError):
        return False


def video_fault(path: Path) -> str | None:
    """What is wrong with a file as a video; None if its first frame decodes."""
    if fault := _file_fault(path):
        return fault
    if path.suffix.lower() in TEXTS:
        return 'is a text'
    try:
        check_whole(str(path))
        Video(str(path))[0]  # the file itself: what is called clip may be a note beside clip.mp4
    except DataError as error:
        return str(error).removeprefix(f'{path} ')
    except (decord.DECORDError, OSError, RuntimeError, IndexError):
        return 'is no video that decodes'
    if file_of(str(path)) != str(path):
        return 'has no extension, which to MMAction2 means .mp4: rename it'
    return None


def picture_fault(path: Path) -> str | None:
    """What is wrong with a file as a picture; None if its header is one's that OpenCV decodes, and its end is there."""
    if fault := _file_fault(path):
        return fault
    try:
        with Image.open(path) as picture:
            if not cv2.haveImageReader(str(path)):
                return 'is of a kind that OpenCV does not read'
            return end_fault(path, picture.format)
    except Image.DecompressionBombError:
        return HUGE
    except (OSError, ValueError, SyntaxError):
        return 'is no picture that decodes'


def end_fault(path: Path, kind: str | None) -> str | None:
    """What is wrong with a picture whose header is one; only one whose end does not tell is decoded.

    Args:
        path: The file.
        kind: Its format, as Pillow calls it.
    """
    if kind == 'WEBP':  # Pillow has read all of it
        return None
    if kind in ENDS:
        with open(path, 'rb') as file:
            file.seek(max(path.stat().st_size - END, 0))
            ended = ENDS[kind] in file.read()
        if ended and (kind != 'PNG' or _has_checksums(path)):
            return None
    if cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) is not None:
        return None
    return 'is cut short' if kind in ENDS and not ended else 'does not decode'


def _has_checksums(path: Path) -> bool:
    """Whether a PNG's parts have the checksums that stand beside them; nothing is decoded for it."""
    try:
        with Image.open(path) as picture:
            picture.verify()
    except (OSError, ValueError, SyntaxError, LookupError):  # the last where there are no pixels at all
        return False
    return True


def _file_fault(path: Path) -> str | None:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return 'has a name that is not UTF-8: rename it'
    if not path.is_file():
        return 'is not there'
    return None if path.stat().st_size else 'is empty (0 bytes)'
