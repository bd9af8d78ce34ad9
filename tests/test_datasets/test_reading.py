"""Frame f is the f-th picture of the file, whatever else is asked for, and however it is stored."""

import sys
from types import SimpleNamespace

import cv2
import decord
import numpy as np
import pytest
from helpers import FOURCCS, ROOT, write_noise

from mmdualkd.datasets.finding import video_fault
from mmdualkd.datasets.opening import DecordInit, TorchCodecInit, TorchCodecVideo
from mmdualkd.datasets.reading import WALK, Video, first_exact, open_video
from mmdualkd.errors import ConfigError, DataError

STORED = sorted((ROOT / 'tests' / 'videos').iterdir())  # 70 moving pictures each
FOLDERS = [ROOT / 'data', ROOT.parent / 'shared' / 'data']


def in_order(video):
    """All pictures of a file: a plain decode from its start to its end."""
    capture, pictures = cv2.VideoCapture(str(video)), []
    while True:
        there, picture = capture.read()
        if not there:
            return np.stack(pictures)
        pictures.append(picture[..., ::-1])


def check_exact(path, step=1, draws=4, cls=Video):
    """Compares every ``step``-th frame alone, some unions and the whole with a decode in order."""
    expected, video = in_order(path), open_video(str(path), cls=cls)
    expected = np.concatenate([expected, np.repeat(expected[-1:], len(video) - len(expected), axis=0)])
    rng = np.random.default_rng(len(video))
    for frame in range(0, len(video), step):
        alone = open_video(str(path), cls=cls).get_batch([frame]).asnumpy()[0]
        assert np.array_equal(alone, expected[frame]), (path.name, frame)
    for _ in range(draws):
        frames = rng.integers(0, len(video), rng.integers(1, 30))
        for reader in (open_video(str(path), cls=cls), video):  # a new one, and one that has read before
            assert np.array_equal(reader.get_batch(frames).asnumpy(), expected[frames]), (path.name, frames)
    assert np.array_equal(video.get_batch(range(len(video))).asnumpy(), expected), path.name


@pytest.mark.parametrize('path', STORED, ids=lambda path: path.name)
def test_every_frame_is_that_of_a_decode_in_order_where_pictures_are_stored_in_another_order(path):
    check_exact(path)
    alone = [decord.VideoReader(str(path))[frame].asnumpy() for frame in range(70)]  # what this is about
    assert not np.array_equal(alone, in_order(path))


@pytest.mark.parametrize('name', FOURCCS)
def test_every_frame_is_that_of_a_decode_in_order_in_what_opencv_writes(tmp_path, name):
    check_exact(write_noise(tmp_path, name), step=3)


@pytest.mark.parametrize('source', ['ut-interaction', 'weizmann', 'grid-words'])
def test_every_frame_is_that_of_a_decode_in_order_in_real_videos(source):
    videos = [v for folder in FOLDERS for v in sorted((folder / source).rglob('*.*')) if v.suffix in ('.avi', '.mp4')]
    if not videos:
        pytest.skip(f'no videos of {source} in data/')
    for video in videos[:: max(len(videos) // 8, 1)]:
        check_exact(video, step=10, draws=2)


def test_a_file_with_times_gives_what_decord_gives_in_order(tmp_path):
    for path in (ROOT / 'tests' / 'videos' / 'open_gop.mp4', write_noise(tmp_path, 'MJPG.avi')):
        assert open_video(str(path)).has_times
        reader = decord.VideoReader(str(path))
        stock = np.stack([reader.next().asnumpy() for _ in range(len(reader))])
        assert np.array_equal(open_video(str(path)).get_batch(range(len(stock))).asnumpy(), stock)


@pytest.mark.parametrize('width', [16, 48])  # whose rows decord pads to widths that it takes for 6 and 4 colours
def test_narrow_videos_are_read(tmp_path, width):
    check_exact(write_noise(tmp_path, 'MJPG.avi', frames=5, size=(width, 64)))


def test_it_seeks_only_where_a_key_frame_is_far_and_lands_where_the_seek_is_exact(monkeypatch):
    path = ROOT / 'tests' / 'videos' / 'open_gop.mp4'
    keys = decord.VideoReader(str(path)).get_key_indices()
    first = first_exact(str(path), 0, 0)
    assert len(first) == len(keys) and first[0] == 0
    assert any(frame > key for frame, key in zip(first, keys, strict=True))  # there are pictures to step over
    video, asked = open_video(str(path)), []
    seek = video.reader.seek_accurate
    monkeypatch.setattr(video.reader, 'seek_accurate', lambda frame: (asked.append(frame), seek(frame)))
    video.get_batch(range(0, WALK))
    assert not asked
    video.get_batch([69])
    assert len(asked) == 1 and asked[0] >= max(frame for frame in first if frame <= 69)
    asked.clear()
    video.get_batch([65, 69, 65])
    assert len(asked) == 2  # the second one only decodes on


def test_duplicates_negative_frames_and_those_out_of_range(tmp_path):
    video = open_video(str(write_noise(tmp_path, 'MJPG.avi', frames=10)))
    clip = video.get_batch([3, -1, 3, 0]).asnumpy()
    assert clip.shape == (4, 64, 96, 3) and clip.dtype == np.uint8
    assert np.array_equal(clip[0], clip[2]) and np.array_equal(clip[1], video[9])
    clip[0] = 0  # transforms that work in place must not meet another frame
    assert clip[2].any()
    for frame in (10, -11):
        with pytest.raises(IndexError, match='of a video of 10'):
            video.get_batch([0, frame])


def test_a_file_without_a_picture_that_decodes_is_one_clear_error(monkeypatch):
    video = open_video(str(ROOT / 'tests' / 'videos' / 'b_frames.avi'))
    monkeypatch.setattr(cv2, 'VideoCapture', lambda *_: SimpleNamespace(grab=lambda: False))
    with pytest.raises(DataError, match=r'b_frames\.avi has no picture that decodes'):
        video.get_batch([0])


@pytest.mark.parametrize('part', [0.5, 0.9])
def test_a_webm_of_which_a_part_is_missing_does_not_pass_for_a_short_one(tmp_path, part):
    path = write_noise(tmp_path, 'VP80.webm')
    assert len(open_video(str(path))) == 60
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    assert len(decord.VideoReader(str(path))) >= 20  # this is what it passed for
    with pytest.raises(DataError, match=f'is cut short: it has {int(part * len(whole))} of {len(whole)} bytes'):
        open_video(str(path))
    assert video_fault(path).startswith('is cut short: it has')


def test_a_webm_whose_writer_did_not_know_its_size_is_read(tmp_path):
    path = write_noise(tmp_path, 'VP80.webm')
    whole = path.read_bytes()
    place = whole.index(b'\x18S\x80g') + 4
    path.write_bytes(whole[:place] + b'\x01' + b'\xff' * 7 + whole[place + 8 :])
    assert len(open_video(str(path))) == 60


def test_torchcodec_reads_the_same_frames_whatever_the_file(tmp_path):
    try:
        opener = TorchCodecInit()
    except ConfigError as error:
        pytest.skip(str(error))
    for path in (*STORED, *(write_noise(tmp_path, name) for name in FOURCCS)):
        check_exact(path, step=3, cls=TorchCodecVideo)
    results = opener(dict(filename=str(STORED[0])))
    assert results['total_frames'] == 70 and results['avg_fps'] == 25
    assert isinstance(results['video_reader'], TorchCodecVideo)


def test_without_torchcodec_the_error_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, 'torchcodec.decoders', None)
    with pytest.raises(ConfigError, match=r'TorchCodec is not installed; run pip install "torchcodec<0\.14"'):
        TorchCodecInit()


def test_large_videos_are_shrunk_as_they_are_decoded_and_small_ones_keep_their_size(tmp_path):
    path = write_noise(tmp_path, 'mp4v.mp4', size=(192, 128))

    def read(short_side, frames):
        results = DecordInit(short_side)(dict(filename=str(path)))
        assert results['total_frames'] == 60 and results['avg_fps'] == 25
        return results['video_reader'].get_batch(frames).asnumpy()

    whole = read(128, range(60))
    assert np.array_equal(whole, open_video(str(path)).get_batch(range(60)).asnumpy())
    small = read(64, range(60))
    assert small.shape == (60, 64, 96, 3)
    resized = np.stack([cv2.resize(frame, (96, 64), interpolation=cv2.INTER_AREA) for frame in whole])
    assert np.abs(small.astype(int) - resized).mean() < 8
    for frames in ([59], [3, 40, 3, 20]):
        assert np.array_equal(read(64, frames), small[frames])


@pytest.mark.parametrize('side', [0, 1.5, '64'])
def test_a_short_side_that_is_none_is_named(side):
    with pytest.raises(
        ConfigError, match=f'DecordInit: short_side must be None or a whole number from 1, got {side!r}'
    ):
        DecordInit(side)
