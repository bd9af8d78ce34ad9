"""Videos to decode: generated ones, or those of a folder."""

from pathlib import Path

import cv2
import numpy as np

from mmdualkd.datasets.reading import open_video
from mmdualkd.errors import ConfigError

SUFFIXES = ('.mp4', '.avi', '.mkv', '.mov', '.webm')
FRAMES, WIDTH, HEIGHT = 120, 320, 240


def write_videos(folder: Path, count: int) -> list[Path]:
    """Writes MPEG-4 clips of a soft pattern that moves under a brighter disc, of HMDB51's size and usual length."""
    rng = np.random.default_rng(0)
    paths = [folder / f'{index}.mp4' for index in range(count)]
    for path in paths:
        pattern = cv2.GaussianBlur(rng.integers(0, 256, (2 * HEIGHT, 2 * WIDTH, 3), dtype=np.uint8), (0, 0), 3)
        pattern = cv2.normalize(pattern, None, 0, 255, cv2.NORM_MINMAX)
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 30, (WIDTH, HEIGHT))
        if not writer.isOpened():
            raise ConfigError('this OpenCV cannot write MPEG-4: name a folder of videos with --videos')
        step = rng.uniform(0.5, 1.8, 2)
        for frame in range(FRAMES):
            left, top = (step * frame).astype(int)
            picture = np.ascontiguousarray(pattern[top : top + HEIGHT, left : left + WIDTH])
            cv2.circle(picture, (int(40 + 2 * frame), HEIGHT // 2), 30, (230, 230, 230), -1)
            writer.write(picture)
        writer.release()
    return paths


def listed(folder: str) -> list[Path]:
    """The videos of a folder, at most 100 of them, evenly picked."""
    paths = sorted(path for path in Path(folder).rglob('*') if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise ConfigError(f'--videos={folder!r} holds no video ({", ".join(SUFFIXES)})')
    return paths[:: -(-len(paths) // 100)]


def check_videos(folder: str) -> None:
    """Refuses a folder that has no videos, or some that cannot be read.

    Raises:
        ConfigError: Names the folder, or the video.
    """
    if not folder or not Path(folder).is_dir():
        raise ConfigError(f'--videos={folder!r} is not a folder')
    for path in listed(folder):
        try:
            open_video(str(path)).get_batch([0])
        except Exception as error:
            reason = next(iter(str(error).strip().splitlines()), '') if str(error).isprintable() else 'it is damaged'
            raise ConfigError(
                f'--videos={folder!r}: {path} cannot be read: {reason or type(error).__name__}'
            ) from error
