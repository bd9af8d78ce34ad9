"""The transform that decides which frames are decoded."""

import numpy as np
from mmaction.datasets.transforms import SampleFrames
from mmcv.transforms import BaseTransform

from ..registry import TRANSFORMS
from .plan import ViewPlan


@TRANSFORMS.register_module()
class SampleViews(BaseTransform):
    """Samples one start and the union of the frames that all views need, so that a video is decoded once.

    Starts, short videos (looping) and frame rates are mmaction2's own ``SampleFrames``: a window is sampled as a
    clip of the longest view's span, a segment view as the 2D recognizers' segments. Use it in place of
    ``SampleFrames``; the decoding transforms and ``FormatShape(input_format='NCTHW')`` follow as always.

    Required Keys: total_frames, start_index, avg_fps (only with ``target_fps``).
    Added Keys: frame_inds, clip_len, frame_interval, num_clips.

    Args:
        views: One view a model, see :class:`~mmdualkd.views.plan.ViewSpec`; the distiller's own ``views``.
        test_mode: Takes the middle of the video in place of a random start.
        target_fps: Frame rate that ``frame_interval`` counts in; None counts in the video's own.
        clip_len: The longest window that may be decoded, in frames; None sets no bound.
        out_of_bound_opt: ``'loop'`` or ``'repeat_last'``, for videos shorter than the window.

    Raises:
        ConfigError: If the views do not fit together or ask for more frames than ``clip_len``.
    """

    def __init__(
        self,
        views: dict,
        test_mode: bool = False,
        target_fps: int | None = None,
        clip_len: int | None = None,
        out_of_bound_opt: str = 'loop',
    ) -> None:
        self.plan = ViewPlan(views, clip_len=clip_len)
        common = dict(test_mode=test_mode, target_fps=target_fps, out_of_bound_opt=out_of_bound_opt)
        self.samplers = [(SampleFrames(1, 1, num_clips=count, **common), slice(None)) for count in self.plan.segments]
        if self.plan.num_windows:
            window = SampleFrames(self.plan.span, 1, num_clips=self.plan.num_windows, **common)
            self.samplers.insert(0, (window, self.plan.offsets))

    def transform(self, results: dict) -> dict:
        """Adds ``frame_inds`` of the whole union, as one clip."""
        frames = []
        for sampler, chosen in self.samplers:
            sampled = sampler.transform(dict(results))['frame_inds'].reshape(-1, sampler.clip_len)
            frames.append(sampled[:, chosen].reshape(-1))
        results['frame_inds'] = np.concatenate(frames)
        results['clip_len'] = self.plan.num_frames
        results['frame_interval'] = 1
        results['num_clips'] = 1
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(views={self.plan.timing()}, frames={self.plan.num_frames})'
