"""Decoding the frames that all models see, once, against decoding one model's, or each model's by itself."""

import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.registry import init_default_scope
from steps import CONFIGS, PAIRS, Settings
from turns import Ratio, ratio, take_turns

from mmdualkd.errors import ConfigError

SUFFIXES = ('.mp4', '.avi', '.mkv', '.mov', '.webm')
CLIPS, FRAMES, WIDTH, HEIGHT = 24, 120, 320, 240


def write_videos(folder: Path, count: int = CLIPS, frames: int = FRAMES) -> list[Path]:
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
        for frame in range(frames):
            left, top = (step * frame).astype(int)
            picture = np.ascontiguousarray(pattern[top : top + HEIGHT, left : left + WIDTH])
            cv2.circle(picture, (int(40 + 2 * frame), HEIGHT // 2), 30, (230, 230, 230), -1)
            writer.write(picture)
        writer.release()
    return paths


def reader(*sampling: dict) -> Callable[[Path, int], dict]:
    """The decoding part of a train pipeline, with the same random numbers for every part that is measured."""
    steps = [dict(type='DecordInit'), *sampling, dict(type='DecordDecode')]
    pipeline = Compose([TRANSFORMS.build(step) for step in steps])

    def read(path: Path, seed: int) -> dict:
        random.seed(seed)
        np.random.seed(seed)
        return pipeline(dict(filename=str(path), start_index=0, modality='RGB'))

    return read


def decoding(settings: Settings) -> dict[str, Ratio]:
    """Seconds of decoding all videos: the union of the views, and each model's frames by the stock pipeline."""
    init_default_scope('mmaction')
    views = Config.fromfile(CONFIGS / PAIRS['x3d']).model.views.to_dict()
    readers = {'union': reader(dict(type='mmdualkd.SampleViews', views=views))}
    for name, view in views.items():
        timing = {key: view[key] for key in ('clip_len', 'frame_interval') if key in view}
        readers[name] = reader(dict(type='SampleFrames', num_clips=view.get('num_clips', 1), **timing))
    with TemporaryDirectory() as folder:
        paths = (
            listed(settings.videos) if settings.videos else write_videos(Path(folder), 4 if settings.quick else CLIPS)
        )
        parts = {
            name: lambda read=read: [read(path, seed) for seed, path in enumerate(paths)]
            for name, read in readers.items()
        }
        seconds = take_turns(parts, settings.turns, 'cpu')
    return dict(
        union_over_student_decode=ratio(seconds, 'union', 'student'),
        union_over_three_decodes=ratio(seconds, 'union', list(views)),
    )


def listed(folder: str) -> list[Path]:
    """The videos of a folder, at most 100 of them, evenly picked."""
    paths = sorted(path for path in Path(folder).rglob('*') if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise ConfigError(f'--videos={folder!r} holds no video ({", ".join(SUFFIXES)})')
    return paths[:: -(-len(paths) // 100)]
