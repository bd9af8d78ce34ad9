"""Videos by TorchCodec, behind the interface of decord."""

from collections.abc import Iterator

import numpy as np
from mmaction.datasets.transforms import DecordInit

from ..errors import ConfigError
from ..registry import TRANSFORMS
from .reading import Video, open_video


@TRANSFORMS.register_module()
class TorchCodecInit(DecordInit):
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
