"""Decoding the frames that all models see, once, against one model's, each model's by itself, and with a cache."""

import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.registry import init_default_scope
from training_steps import CONFIGS, PAIRS, Settings
from turns import Ratio, ratio, take_turns
from videos import listed, write_videos

from mmdualkd.names import STUDENT
from mmdualkd.views import SampleViews, ViewPlan

CLIPS = 24


def reader(sampling: dict | SampleViews) -> Callable[[Path, int], dict]:
    """The decoding part of a train pipeline, with the same random numbers for every part that is measured."""
    steps = [dict(type='DecordInit'), sampling, dict(type='DecordDecode')]
    pipeline = Compose([TRANSFORMS.build(step) if isinstance(step, dict) else step for step in steps])

    def read(path: Path, seed: int) -> dict:
        random.seed(seed)
        np.random.seed(seed)
        return pipeline(dict(filename=str(path), start_index=0, modality='RGB'))

    return read


def decoding(settings: Settings) -> dict[str, Ratio]:
    """Seconds of decoding all videos: the union of the views, and each model's frames by the stock pipeline."""
    init_default_scope('mmaction')
    views = Config.fromfile(CONFIGS / PAIRS['x3d']).model.views.to_dict()
    of_all, of_student = SampleViews(views), SampleViews()
    of_student.use(ViewPlan(views), STUDENT)
    readers = dict(union=reader(of_all), cached=reader(of_student))
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
        cached_decode_over_student=ratio(seconds, 'cached', 'student'),
    )
