"""The transforms that open a video for ``DecordDecode``."""

from collections.abc import Iterator

import numpy as np
from mmaction.datasets import transforms

from ..errors import ConfigError
from ..registry import TRANSFORMS
from .reading import Video, open_video


@TRANSFORMS.register_module()
class DecordInit(transforms.DecordInit):
    """Opens a local video that decord shrinks while it decodes; mmaction2's ``DecordInit`` otherwise.

    A large video costs half the time and a tenth of the memory. Pixels are not those of a ``Resize`` after decoding:
    FFmpeg's bicubic filter smooths what it shrinks, where ``Resize`` is bilinear.

    Required Keys: filename.
    Added Keys: video_reader, total_frames, avg_fps.

    Args:
        short_side: The short side of what is decoded, in pixels; smaller videos keep their size, and so do those that
            :class:`~mmdualkd.datasets.reading.Video` reads from their start.
        num_threads: Threads that decode a video; 0 leaves it to FFmpeg.

    Raises:
        ConfigError: If ``short_side`` is no whole number from 1.
    """

    def __init__(self, short_side: int, num_threads: int = 1) -> None:
        super().__init__(num_threads=num_threads)
        if type(short_side) is not int or short_side < 1:
            raise ConfigError(f'mmdualkd.DecordInit: short_side must be a whole number from 1, got {short_side!r}')
        self.short_side = short_side

    def _get_video_reader(self, filename: str) -> Video:
        return open_video(filename, num_threads=self.num_threads, short_side=self.short_side)


@TRANSFORMS.register_module()
class TorchCodecInit(transforms.DecordInit):
    """Opens a local video for TorchCodec to decode; it stands in place of ``DecordInit``, before ``DecordDecode``.

    Frames are the same, pixel for pixel. TorchCodec counts wrong in files without times (UT-Interaction's AVIs, MPEG
    streams): they are read as :class:`~mmdualkd.datasets.reading.Video` reads them.

    Required Keys: filename.
    Added Keys: video_reader, total_frames, avg_fps.

    Args:
        num_threads: Threads that decode a video; 0 leaves it to FFmpeg.

    Raises:
        ConfigError: If TorchCodec is not installed, or finds no libraries of FFmpeg or of CUDA that it was built for.
    """

    def __init__(self, num_threads: int = 1) -> None:
        super().__init__(num_threads=num_threads)
        try:
            import torchcodec.decoders  # noqa: F401
        except (ImportError, OSError, RuntimeError) as error:
            reason = 'is not installed' if isinstance(error, ImportError) else 'does not load'
            raise ConfigError(
                f'mmdualkd.TorchCodecInit: TorchCodec {reason}; run pip install "torchcodec<0.14" beside torch without '
                'CUDA (later wheels need it) or pip install torchcodec beside torch with it. The libraries of FFmpeg '
                '4 to 8 must be there too. DecordInit needs neither'
            ) from error

    def _get_video_reader(self, filename: str) -> 'TorchCodecVideo':
        return open_video(filename, num_threads=self.num_threads, cls=TorchCodecVideo)


class TorchCodecVideo(Video):
    """A file whose pictures are found by their times and decoded by TorchCodec."""

    def _by_time(self, frames: np.ndarray) -> Iterator[np.ndarray]:
        from torchcodec.decoders import VideoDecoder

        decoder = VideoDecoder(self.path, dimension_order='NHWC', num_ffmpeg_threads=self.num_threads)
        if len(decoder) != len(self):  # it leaves out pictures that decord counts
            return super()._by_time(frames)
        return iter(decoder.get_frames_at(frames.tolist()).data.numpy())
