"""Where the frames that the views of all models need lie in the clip that they share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ..errors import ConfigError, check_name

_COUNTS = dict(clip_len=None, frame_interval=1, num_clips=1)  # arguments that are whole numbers, and their defaults
_KEYS = (*_COUNTS, 'size', 'antialias')


@dataclass(frozen=True)
class ViewSpec:
    """What one model sees, in the words of mmaction2's ``SampleFrames``.

    Args:
        clip_len: Frames a clip; 1 makes a segment view, as 2D recognizers take it.
        frame_interval: Frames from one to the next.
        num_clips: Clips a video; for a segment view the number of segments.
        size: Side of the square input in pixels, or (height, width).
        antialias: Whether frames are smoothed before they shrink. Without it they are resized as OpenCV's
            bilinear ``Resize`` of the stock pipelines does.
    """

    clip_len: int
    size: int | tuple[int, int]
    frame_interval: int = 1
    num_clips: int = 1
    antialias: bool = False

    @classmethod
    def from_config(cls, cfg: Mapping, key: str, pictures: bool = False) -> 'ViewSpec':
        """Checks a view's config; ``key`` is where it stands (``model.views.vit``); a picture is one frame."""
        if not isinstance(cfg, Mapping):
            raise ConfigError(f'{key} must be a dict, got {cfg!r}')
        for name in cfg:
            check_name(f'a key of {key}', name, _KEYS, 'argument of a view')
        values = {**_COUNTS, 'antialias': False, **({'clip_len': 1} if pictures else {}), **cfg}
        for name in ('clip_len', 'size'):
            if values.get(name) is None:
                raise ConfigError(f'{key} has no {name}')
        for name in _COUNTS:
            if not _is_count(values[name]):
                raise ConfigError(f'{key}.{name} must be a whole number from 1, got {values[name]!r}')
        sides = values['size'] if isinstance(values['size'], list | tuple) else (values['size'],) * 2
        if len(sides) != 2 or not all(map(_is_count, sides)):
            raise ConfigError(
                f'{key}.size must be a whole number from 1, or two of them (height, width), got {values["size"]!r}'
            )
        if not isinstance(values['antialias'], bool):
            raise ConfigError(f'{key}.antialias must be True or False, got {values["antialias"]!r}')
        if not isinstance(values['size'], int):
            values['size'] = tuple(sides)
        return cls(**values)

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    @property
    def timing(self) -> tuple[int, int, int]:
        """(clip_len, frame_interval, num_clips): views that agree in them see the same frames."""
        return self.clip_len, self.frame_interval, self.num_clips

    @property
    def span(self) -> int:
        """Frames of the video that one clip covers, each frame standing for its interval."""
        return self.clip_len * self.frame_interval


class ViewPlan:
    """The union of the frames of several views, in one shared clip.

    Clip views share their number of windows, ``num_clips``; segment views (``clip_len=1``) stand beside them. Views of
    one timing (``clip_len``, ``frame_interval``, ``num_clips``) share their frames. The shared clip lists the windows
    one after another, in each the frames of all timings by their time, then the segments' frames. Its length and each
    view's places in it are the same for every video. Timings that differ have places of their own even where they
    meet in a frame: in which they meet depends on the video's length and frame rate, see
    :class:`~mmdualkd.views.sample_views.SampleViews`.

    Args:
        views: A config of :class:`ViewSpec` a model, by name.
        key: Where the views stand in the config, for errors.
        pictures: Whether the models take pictures; ``clip_len`` is 1 then, unless told.

    Attributes:
        specs: :class:`ViewSpec` by name.
        slots: The places of each timing's frames, (num_clips, clip_len); the longest clip view's timing first.
        num_frames: Frames of the shared clip.

    Raises:
        ConfigError: If a view is malformed, or clip views differ in ``num_clips``.
    """

    def __init__(self, views: Mapping, key: str = 'views', pictures: bool = False) -> None:
        if not isinstance(views, Mapping) or not views:
            raise ConfigError(f'{key} must be a dict of views by model name, got {views!r}')
        self.specs = {name: ViewSpec.from_config(cfg, f'{key}.{name}', pictures) for name, cfg in views.items()}
        clips = {name: spec for name, spec in self.specs.items() if spec.clip_len > 1}
        if len({spec.num_clips for spec in clips.values()}) > 1:
            listed = ', '.join(f'{key}.{name}.num_clips={spec.num_clips}' for name, spec in clips.items())
            raise ConfigError(f'clip views must share one num_clips, got {listed}')
        self.key, self.slots, self.num_frames = key, {}, 0
        self.span = max((spec.span for spec in clips.values()), default=0)
        longest_first = sorted(clips.values(), key=lambda spec: (-spec.span, spec.timing))
        offsets = {
            spec.timing: self._start(spec) + np.arange(spec.clip_len) * spec.frame_interval for spec in longest_first
        }
        by_time = np.argsort(np.concatenate([*offsets.values(), np.empty(0)]), kind='stable')
        places, begin = np.argsort(by_time), 0
        for timing, frames in offsets.items():
            windows = np.arange(timing[2])[:, None] * len(places)
            self.slots[timing] = windows + places[begin : begin + len(frames)]
            begin += len(frames)
            self.num_frames += self.slots[timing].size
        segments = {spec.timing for spec in self.specs.values() if spec.clip_len == 1}
        for timing in sorted(segments, key=lambda timing: timing[::-1]):
            self.slots[timing] = self.num_frames + np.arange(timing[2])[:, None]
            self.num_frames += timing[2]

    def _start(self, spec: ViewSpec) -> int:
        return (self.span - spec.span) // 2

    def window(self, name: str) -> tuple[float, float] | None:
        """Where a view's time lies in the longest view's: start and end, in fractions of the longest span.

        16 frames at an interval of 4 lie at (0.1, 0.9) of 16 frames at an interval of 5.

        Args:
            name: A view's name.

        Returns:
            The longest view's own window is (0.0, 1.0). None for a segment view: its frames are spread over the video.
        """
        spec = self.specs[name]
        if spec.clip_len == 1:
            return None
        start = self._start(spec)
        return start / self.span, (start + spec.span) / self.span

    def check_names(self, models: Sequence[str]) -> None:
        """Refuses views that are not one for each model."""
        for name in models:
            if name not in self.specs:
                known = list(self.specs)
                raise ConfigError(f'{self.key} has no {name!r}: each model needs a view (there are: {known})')
        for name in self.specs:
            check_name(f'a key of {self.key}', name, models, 'model')

    def check_clip(self, clip: Tensor, pipeline: str = 'the train pipeline') -> None:
        """Refuses clips of a pipeline that are not (N, 1, 3, ``num_frames``, height, width): views are of the first."""
        if clip.dim() != 6 or clip.size(1) != 1 or clip.size(3) != self.num_frames:
            raise ConfigError(
                f'{pipeline} gives clips of {tuple(clip.shape[1:])}, but {self.key} need (1, 3, '
                f'{self.num_frames}, height, width): sample with mmdualkd.SampleViews and '
                "FormatShape(input_format='NCTHW')"
            )

    def places(self, name: str) -> np.ndarray:
        """Where a view's frames lie in the shared clip: (num_clips, clip_len)."""
        return self.slots[self.specs[name].timing]

    def check_length(self, clip_len: int) -> None:
        """Raises a :class:`ConfigError` that names the first clip view that covers more than ``clip_len`` frames."""
        for name, spec in self.specs.items():
            needed = (spec.clip_len - 1) * spec.frame_interval + 1
            if needed > clip_len:
                raise ConfigError(
                    f'{self.key}.{name} asks for {needed} frames ({spec.clip_len} at an interval of '
                    f'{spec.frame_interval}), more than clip_len={clip_len} allows'
                )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ViewPlan) and self.timing() == other.timing()

    def timing(self) -> dict:
        """The views without their sizes: what the sampler and the models must agree on."""
        return {name: spec.timing for name, spec in self.specs.items()}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
