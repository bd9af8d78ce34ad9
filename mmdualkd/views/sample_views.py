"""The transform that decides which frames are decoded."""

import zlib

import numpy as np
from mmaction.datasets.transforms import SampleFrames
from mmcv.transforms import BaseTransform

from ..datasets.reading import InOrder
from ..errors import ConfigError
from ..names import STUDENT
from ..registry import TRANSFORMS
from .plan import ViewPlan


@TRANSFORMS.register_module()
class SampleViews(BaseTransform):
    """Samples the frames that all views need, at one moment of a video, so that it is decoded once.

    Use it in place of mmaction2's ``SampleFrames``; the decoding transforms and ``FormatShape(input_format='NCTHW')``
    follow as always. Each view's frames are sampled by mmaction2's own ``SampleFrames`` with that view's ``clip_len``,
    ``frame_interval`` and ``num_clips``:

    - in test mode every view gets the frames that its model's stock pipeline gives, whatever the video's length;
    - in training the longest clip view draws its start as its stock pipeline does, and the others lie in the middle of
      its window; segment views draw their own frames. What the pipeline draws next depends on the first timing alone
      (the longest clip view's), so that teachers see the same whatever segments a student takes.

    Where frames of several timings are not in order, decord still decodes each once, and forwards.

    Required Keys: total_frames, start_index, avg_fps (only with ``target_fps``), video_reader (decord's, if there).
    Added Keys: frame_inds, clip_len, frame_interval, num_clips, teacher_frames (a checksum of all views' frames but the
    student's).

    Args:
        views: One view a model, see :class:`~mmdualkd.views.plan.ViewSpec`. None leaves it to
            :class:`~mmdualkd.hooks.PreflightHook`, which hands over the distiller's own before training starts. For a
            student that is trained alone they may be those of its distillation: it then sees the same moments.
        test_mode: Takes the middle of the video in place of a random start.
        target_fps: Frame rate that ``frame_interval`` counts in; None counts in the video's own.
        clip_len: The longest window that may be decoded, in frames; None sets no bound.
        out_of_bound_opt: ``'loop'`` or ``'repeat_last'``, for videos shorter than the window.

    Raises:
        ConfigError: If the views do not fit together or ask for more frames than ``clip_len``.
    """

    def __init__(
        self,
        views: dict | None = None,
        test_mode: bool = False,
        target_fps: int | None = None,
        clip_len: int | None = None,
        out_of_bound_opt: str = 'loop',
    ) -> None:
        self.clip_len = clip_len
        self.common = dict(test_mode=test_mode, target_fps=target_fps, out_of_bound_opt=out_of_bound_opt)
        self.plan = self.alone = None
        if views is not None:
            self.use(ViewPlan(views))

    def use(self, plan: ViewPlan, alone: str | None = None) -> None:
        """Samples a plan's views from now on; worker processes that run already do not hear of it.

        Args:
            plan: The plan.
            alone: The only view whose frames are decoded; all are sampled still, so that the moment is the same.

        Raises:
            ConfigError: If a view asks for more frames than ``clip_len``.
        """
        if self.clip_len is not None:
            plan.check_length(self.clip_len)
        self.plan = plan
        self.alone = alone
        self.samplers, longest = {}, None
        for timing in plan.slots:  # the longest clip view's first
            is_clip = timing[0] > 1
            self.samplers[timing] = _ViewFrames(*timing, around=longest if is_clip else None, **self.common)
            longest = longest or (self.samplers[timing] if is_clip else None)

    def transform(self, results: dict) -> dict:
        """Adds ``frame_inds`` of the whole union, as one clip; of one view alone where that was asked for.

        Raises:
            ConfigError: If no views were given, and none handed over; if ``target_fps`` was, and nothing tells the
                video's own.
        """
        if self.plan is None:
            raise ConfigError(
                'mmdualkd.SampleViews has no views: mmdualkd.PreflightHook hands over those of model.views before '
                'training; without that hook give SampleViews(views=...)'
            )
        if self.common['target_fps'] is not None and 'avg_fps' not in results:  # mmaction2 would leave it aside
            raise ConfigError(
                f'mmdualkd.SampleViews: target_fps={self.common["target_fps"]}, but nothing before it in the pipeline '
                "tells the video's frame rate, as DecordInit does, and folders of frames have none: leave it out, and "
                'give frame_interval in frames of their own'
            )
        frames, after = np.empty(self.plan.num_frames, dtype=np.int32), None
        for timing, slots in self.plan.slots.items():
            sampled = self.samplers[timing].transform(dict(results))['frame_inds']
            frames[slots] = sampled.reshape(slots.shape)
            after = after or np.random.get_state()
        np.random.set_state(after)
        others = [frames[self.plan.places(name)] for name in self.plan.specs if name != STUDENT]
        results['teacher_frames'] = zlib.crc32(b''.join(places.tobytes() for places in others))
        if self.alone:
            frames = frames[self.plan.places(self.alone)].reshape(-1)
        results['frame_inds'] = frames
        results['clip_len'] = len(frames)
        results['frame_interval'] = 1
        results['num_clips'] = 1
        several = len(self.plan.slots) > 1  # one timing is asked for as in the stock pipeline
        reader = results.get('video_reader')
        if several and (np.diff(frames) < 0).any() and hasattr(reader, 'get_batch') and not isinstance(reader, InOrder):
            results['video_reader'] = InOrder(reader)
        return results

    def __repr__(self) -> str:
        views = self.plan and f'{self.plan.timing()}, frames={self.plan.num_frames}'
        return f'{type(self).__name__}(views={views})'


class _ViewFrames(SampleFrames):
    """One view's frames; training clips can lie in the middle of those that another sampler drew last."""

    def __init__(self, *timing: int, around: '_ViewFrames | None', **kwargs) -> None:
        super().__init__(*timing, **kwargs)
        self.around = around

    def _get_train_clips(self, num_frames: int, ori_clip_len: float) -> np.ndarray:
        if self.around is None:
            starts = super()._get_train_clips(num_frames, ori_clip_len)
        else:
            starts, length = self.around.drawn
            starts = starts + int((length - ori_clip_len) // 2)
            if self.out_of_bound_opt == 'repeat_last':  # a window that starts after the end is all last frame
                starts = np.minimum(starts, num_frames - 1)
        self.drawn = starts, ori_clip_len
        return starts
