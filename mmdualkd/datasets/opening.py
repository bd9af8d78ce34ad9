"""The transforms that open a video for ``DecordDecode``."""

from collections.abc import Iterator

import numpy as np
from mmaction.datasets import transforms

from ..errors import ConfigError
from ..files import check_folder
from ..registry import SCOPE, TRANSFORMS
from .kept import KEEP_GB, Keeper, folder_of
from .reading import InOrder, Video, open_video


@TRANSFORMS.register_module()
class DecordInit(transforms.DecordInit):
    """Opens a local video that decord shrinks while it decodes, or decodes once; mmaction2's ``DecordInit`` otherwise.

    Shrunk, a large video costs half the time and a tenth of the memory. Pixels are not those of a ``Resize`` after
    decoding: FFmpeg's bicubic filter smooths what it shrinks, where ``Resize`` is bilinear.

    Kept, a video is decoded when it is first opened, all of its frames, and read from a file from then on: for
    trainings of many epochs on few videos. Pixels are the same. A frame takes ``3 * height * width`` bytes on the disk,
    ten seconds at a short side of 73 some 9 MB, at 256 some 100 MB; a video of more than 256 MB is decoded each time.

    Required Keys: filename.
    Added Keys: video_reader, total_frames, avg_fps.

    Args:
        short_side: The short side of what is decoded, in pixels; smaller videos keep their size, and so do those that
            :class:`~mmdualkd.datasets.reading.Video` reads from their start. None decodes videos at their own size.
        num_threads: Threads that decode a video; 0 leaves it to FFmpeg.
        keep_in: A folder for frames that are decoded once. It is for the user to remove; processes and trainings may
            share it. None decodes each time.
        keep_gb: Gigabytes that may lie there; videos for which there is no room are decoded each time.

    Raises:
        ConfigError: If ``short_side`` is no whole number from 1, ``keep_in`` no folder that can be written, or
            ``keep_gb`` not above 0.
    """

    def __init__(
        self,
        short_side: int | None = None,
        num_threads: int = 1,
        keep_in: str | None = None,
        keep_gb: float = KEEP_GB,
    ) -> None:
        super().__init__(num_threads=num_threads)
        where = f'{SCOPE}.{type(self).__name__}'
        if short_side is not None and (type(short_side) is not int or short_side < 1):
            raise ConfigError(f'{where}: short_side must be None or a whole number from 1, got {short_side!r}')
        if type(keep_gb) not in (int, float) or not 0 < keep_gb < float('inf'):
            raise ConfigError(f'{where}: keep_gb must be a number above 0, got {keep_gb!r}')
        self.short_side, self.keeper = short_side, None
        if keep_in is not None:
            folder = folder_of(where, keep_in)
            check_folder(f'{where}: keep_in', folder)
            self.keeper = Keeper(folder, keep_gb * 1e9)

    def _get_video_reader(self, filename: str) -> InOrder:
        read = self.keeper.open if self.keeper else open_video
        return read(filename, num_threads=self.num_threads, short_side=self.short_side)


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
