"""Which frames of a video the views of all models need, and where each view finds its own among them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import ConfigError, check_name

_KEYS = ('clip_len', 'frame_interval', 'num_clips', 'size')


@dataclass(frozen=True)
class ViewSpec:
    """What one model sees, in the words of mmaction2's ``SampleFrames``.

    Args:
        clip_len: Frames a clip; 1 makes a segment view, as 2D recognizers take it.
        frame_interval: Frames from one to the next.
        num_clips: Clips a video; for a segment view the number of segments.
        size: Side of the square input in pixels, or (height, width).
    """

    clip_len: int
    size: int | tuple[int, int]
    frame_interval: int = 1
    num_clips: int = 1

    @classmethod
    def from_config(cls, cfg: Mapping, key: str) -> 'ViewSpec':
        """Checks a view's config; ``key`` is where it stands (``views.vit``)."""
        if not isinstance(cfg, Mapping):
            raise ConfigError(f'{key} must be a dict, got {cfg!r}')
        for name in cfg:
            check_name(f'a key of {key}', name, _KEYS, 'argument of a view')
        for name in ('clip_len', 'size'):
            if name not in cfg:
                raise ConfigError(f'{key} has no {name}')
        size = tuple(cfg['size']) if isinstance(cfg['size'], (list, tuple)) else cfg['size']
        counts = [cfg.get(name, 1) for name in ('clip_len', 'frame_interval', 'num_clips')]
        for name, value in zip(_KEYS, [*counts, *(size if isinstance(size, tuple) else [size])], strict=False):
            if not isinstance(value, int) or value < 1:
                raise ConfigError(f'{key}.{name} must be a whole number from 1, got {value!r}')
        return cls(counts[0], size, *counts[1:])

    @property
    def span(self) -> int:
        """Frames of the video that one clip covers, each frame standing for its interval."""
        return self.clip_len * self.frame_interval


class ViewPlan:
    """The union of the frames of several views.

    All clip views share ``num_clips`` windows of the longest view's span; a shorter view lies in the middle of the
    window. Segment views (``clip_len=1``) of the same number of segments share their frames. The union lists the
    windows' frames (each frame once), then the segments' frames; its length and each view's places in it are
    the same for every video.

    Args:
        views: A config of :class:`ViewSpec` a model, by name.
        clip_len: The longest window that may be decoded, in frames at an interval of 1. None sets no bound.
        key: Where the views stand in the config, for errors.

    Raises:
        ConfigError: If a view is malformed, spans more than ``clip_len`` frames, or clip views differ in ``num_clips``.
    """

    def __init__(self, views: Mapping, clip_len: int | None = None, key: str = 'views') -> None:
        if not isinstance(views, Mapping) or not views:
            raise ConfigError(f'{key} must be a dict of views by model name, got {views!r}')
        self.specs = {name: ViewSpec.from_config(cfg, f'{key}.{name}') for name, cfg in views.items()}
        clips = {name: spec for name, spec in self.specs.items() if spec.clip_len > 1}
        self.segments = sorted({spec.num_clips for spec in self.specs.values() if spec.clip_len == 1})
        self.span = max((spec.span for spec in clips.values()), default=0)
        counts = {spec.num_clips for spec in clips.values()}
        if len(counts) > 1:
            listed = ', '.join(f'{key}.{name}.num_clips={spec.num_clips}' for name, spec in clips.items())
            raise ConfigError(f'clip views must share one num_clips, got {listed}')
        self.num_windows = counts.pop() if counts else 0
        for name, spec in clips.items():
            needed = (spec.clip_len - 1) * spec.frame_interval + 1
            if clip_len is not None and needed > clip_len:
                raise ConfigError(
                    f'{key}.{name} asks for {needed} frames ({spec.clip_len} at an interval of '
                    f'{spec.frame_interval}), more than clip_len={clip_len} allows'
                )
        offsets = {name: self._offsets(spec) for name, spec in clips.items()}
        self.offsets = np.unique(np.concatenate([*offsets.values(), np.empty(0, dtype=int)]))
        in_windows = self.num_windows * len(self.offsets)
        self.num_frames = in_windows + sum(self.segments)
        self._places = {}
        for name, spec in self.specs.items():
            if name in clips:
                window = np.searchsorted(self.offsets, offsets[name])
                self._places[name] = np.arange(self.num_windows)[:, None] * len(self.offsets) + window
            else:
                before = sum(count for count in self.segments if count < spec.num_clips)
                self._places[name] = in_windows + before + np.arange(spec.num_clips)[:, None]

    def _start(self, spec: ViewSpec) -> int:
        return (self.span - spec.span) // 2

    def _offsets(self, spec: ViewSpec) -> np.ndarray:
        return self._start(spec) + np.arange(spec.clip_len) * spec.frame_interval

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

    def places(self, name: str) -> np.ndarray:
        """Where a view's frames lie in the union: (num_clips, clip_len)."""
        return self._places[name]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ViewPlan) and self.timing() == other.timing()

    def timing(self) -> dict:
        """The views without their sizes: what the sampler and the models must agree on."""
        return {name: (spec.clip_len, spec.frame_interval, spec.num_clips) for name, spec in self.specs.items()}
