"""Decoding the frames that all models see, once, against one model's, each model's by itself, and with a cache."""

import functools
import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from mmaction.datasets.transforms import DecordInit
from mmaction.registry import TRANSFORMS
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.registry import init_default_scope
from training_steps import CONFIGS, PAIRS, Settings
from turns import Ratio, ratio, take_turns
from videos import listed, write_videos

from mmdualkd.datasets.reading import open_video
from mmdualkd.names import STUDENT
from mmdualkd.views import SampleViews, ViewPlan

CLIPS = 24


def reader(steps: list[dict], views: dict | None = None, alone: str | None = None) -> Callable[[Path, int], dict]:
    """A train pipeline up to its decoded frames, with the same random numbers for every part that is measured.

    Args:
        steps: The pipeline.
        views: The views of all models, for ours, which reads videos as our data sets do; None leaves a stock pipeline.
        alone: The only view whose frames are decoded, as with a cache.
    """
    transforms = [TRANSFORMS.build(step) for step in steps[:3]]
    for transform in transforms if views else ():
        if type(transform) is DecordInit:
            transform._get_video_reader = functools.partial(open_video, num_threads=transform.num_threads)
        if isinstance(transform, SampleViews):
            transform.use(ViewPlan(views), alone)
    pipeline = Compose(transforms)

    def read(path: Path, seed: int) -> dict:
        random.seed(seed)
        np.random.seed(seed)
        return pipeline(dict(filename=str(path), start_index=0, modality='RGB'))

    return read


def stock(view: dict) -> list[dict]:
    """How the train pipeline begins that one model has in MMAction2's configs."""
    timing = {key: view[key] for key in ('clip_len', 'frame_interval') if key in view}
    return [
        dict(type='DecordInit'),
        dict(type='SampleFrames', num_clips=view.get('num_clips', 1), **timing),
        dict(type='DecordDecode'),
    ]


def decoding(settings: Settings) -> dict[str, Ratio]:
    """Seconds of decoding all videos: the union of the views by our reader, each model's frames by stock pipelines."""
    init_default_scope('mmaction')
    cfg = Config.fromfile(CONFIGS / PAIRS['x3d'])
    views, ours = cfg.model.views.to_dict(), cfg.train_dataloader.dataset.pipeline
    readers = dict(union=reader(ours, views), cached=reader(ours, views, STUDENT))
    readers |= {name: reader(stock(view)) for name, view in views.items()}
    with TemporaryDirectory() as folder:
        paths = (
            listed(settings.videos) if settings.videos else write_videos(Path(folder), 4 if settings.quick else CLIPS)
        )
        parts = {
            name: lambda read=read: [read(path, seed) for seed, path in enumerate(paths)]
            for name, read in readers.items()
        }
        opening = dict(type='mmdualkd.DecordInit', short_side=73)  # as in what distill writes for the smallest models
        for name, keep in dict(shrunk={}, kept=dict(keep_in=folder)).items():
            read = reader([dict(opening, **keep), *stock(dict(clip_len=16, frame_interval=4))[1:]])
            parts[name] = lambda read=read: [read(path, seed) for seed, path in enumerate(paths)]
        seconds = take_turns(parts, 4 * settings.turns, 'cpu')
    return dict(
        kept_decode_speedup=ratio(seconds, 'shrunk', 'kept'),
        union_over_student_decode=ratio(seconds, 'union', 'student'),
        union_over_three_decodes=ratio(seconds, 'union', list(views)),
        cached_decode_over_student=ratio(seconds, 'cached', 'student'),
    )
