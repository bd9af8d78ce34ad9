"""Generated clips for the demo: a patterned shape that moves over a still background.

A class is a pair (pattern, motion). One frame shows the pattern but not the motion; the motion alone leaves the
patterns open: a model must see both. Everything else (background, colours, brightness, size, outline, start, speed,
heading within the motion's sector) varies freely. Clip ``i`` of a split depends on the seed, the split and ``i`` alone.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from mmdualkd.datasets.finding import video_fault
from mmdualkd.errors import DataError
from mmdualkd.files import open_whole

PATTERNS = ('striped', 'checked')
MOTIONS = ('right', 'down', 'left', 'up', 'growing')
CLASSES = tuple(f'{pattern} {motion}' for pattern in PATTERNS for motion in MOTIONS)
SPLITS = ('train', 'test')
SIDE = 64  # pixels; decord's batches fail at widths like 48
FRAMES = 10


def _background(rng: np.random.Generator) -> np.ndarray:
    """A still picture (SIDE, SIDE, 3), float32 in 0-255: soft colours, a few bars, fine grain."""
    cells = int(rng.integers(2, 6))
    colour = rng.uniform(20, 120, 3)
    patches = colour + rng.uniform(5, 30) * rng.normal(0, 1, (cells, cells, 3))
    image = cv2.resize(patches.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(0, 3))):
        start, end = rng.integers(0, SIDE, (2, 2)).tolist()
        cv2.line(image, start, end, (colour + rng.uniform(-60, 60, 3)).tolist(), int(rng.integers(1, 3)))
    return image + rng.normal(0, 4, (SIDE, SIDE, 1)).astype(np.float32)


def draw_clip(label: int, rng: np.random.Generator) -> np.ndarray:
    """Draws one clip.

    Args:
        label: The class, an index into :data:`CLASSES`.
        rng: Decides all that the class leaves open.

    Returns:
        Frames of shape (FRAMES, SIDE, SIDE, 3), uint8, RGB.
    """
    pattern, motion = divmod(label, len(MOTIONS))
    background = _background(rng)
    colours = rng.uniform((170,) * 3, (255,) * 3), rng.uniform((0,) * 3, (150,) * 3)
    radius = rng.uniform(8, 13)
    tilt = rng.uniform(0, 2 * np.pi)
    stripes = rng.uniform(5, 8)  # width of a stripe's period, pixels
    corners = int(rng.integers(3, 8))
    time = np.arange(FRAMES) - (FRAMES - 1) / 2
    centre = np.broadcast_to(rng.uniform(26, 38, 2), (FRAMES, 2))
    scale = np.ones(FRAMES)
    if MOTIONS[motion] == 'growing':
        scale = 1.0 + rng.uniform(0.06, 0.11) * time
    else:
        heading = motion * np.pi / 2 + rng.uniform(-0.35, 0.35)
        step = rng.uniform(1.5, 3.5) * np.array([np.cos(heading), np.sin(heading)])  # pixels a frame
        centre = centre + time[:, None] * step

    angles = tilt + 2 * np.pi * np.arange(corners) / corners
    outline = radius * np.stack([np.cos(angles), np.sin(angles)], 1)
    ys, xs = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    phases = rng.uniform(0, 2 * np.pi, 2)
    frames = np.empty((FRAMES, SIDE, SIDE, 3), np.uint8)
    gain = rng.uniform(0.75, 1.2)
    for frame, (x, y), size in zip(frames, centre, scale, strict=True):
        mask = np.zeros((SIDE, SIDE), np.uint8)
        points = np.round((np.array([x, y]) + outline * size) * 16).astype(np.int32)
        cv2.fillPoly(mask, [points], 255, lineType=cv2.LINE_AA, shift=4)
        u = ((xs - x) * np.cos(tilt) + (ys - y) * np.sin(tilt)) * (2 * np.pi / stripes / size)
        wave = np.sin(u + phases[0])
        if PATTERNS[pattern] == 'checked':
            v = ((ys - y) * np.cos(tilt) - (xs - x) * np.sin(tilt)) * (2 * np.pi / stripes / size)
            wave = wave * np.sin(v + phases[1])
        blend = np.clip(0.5 + 2 * wave, 0, 1)[..., None]
        cover = mask[..., None] / 255.0
        picture = background * (1 - cover) + (colours[0] * blend + colours[1] * (1 - blend)) * cover
        frame[:] = np.clip(picture * gain, 0, 255)
    return frames


def write_video(path: Path, frames: np.ndarray, fps: float = 10.0) -> None:
    """Writes frames (T, H, W, 3), uint8, RGB, as a Motion-JPEG video file (``.avi``).

    Raises:
        DataError: If OpenCV cannot write there, or has not written all of it: of a full disk it says nothing.
    """
    height, width = frames.shape[1:3]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), fps, (width, height))
    if not writer.isOpened():
        raise DataError(f'{path}: OpenCV cannot write a Motion-JPEG video there')
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    if fault := video_fault(path):
        raise DataError(f'{path} {fault}: is the disk full?')


def make_clips(folder: str | Path, train: int, test: int, seed: int = 0) -> Iterator[int]:
    """Writes the clips of both splits, their annotation files ``train.txt`` and ``test.txt``, and ``classes.txt``.

    Labels go round through the classes, so every split is balanced.

    Args:
        folder: Where to write; made if missing.
        train: Number of training clips.
        test: Number of test clips.
        seed: Of the random numbers.

    Yields:
        How many clips are written so far.
    """
    folder, done = Path(folder), 0
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / 'classes.txt', CLASSES)
    for split, (name, count) in enumerate(zip(SPLITS, (train, test), strict=True)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        lines = []
        for index in range(count):
            label = index % len(CLASSES)
            rng = np.random.default_rng([seed, split, index])
            write_video(folder / name / f'{index:05d}.avi', draw_clip(label, rng))
            lines.append(f'{name}/{index:05d}.avi {label}')
            done += 1
            yield done
        _write(folder / f'{name}.txt', lines)


def _write(path: Path, lines: Iterable[str]) -> None:
    with open_whole(path, 'w') as file:
        file.writelines(f'{line}\n' for line in lines)
