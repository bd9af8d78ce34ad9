"""A video whose frames are kept is decoded once; it gives what decoding gives, whatever happens to the files."""

import os
import shutil
import time
from collections import namedtuple
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from helpers import write_clips, write_noise

from mmdualkd.datasets import kept
from mmdualkd.datasets.opening import DecordInit
from mmdualkd.datasets.reading import open_video
from mmdualkd.errors import ConfigError
from mmdualkd.registry import DATASETS


@pytest.fixture
def opened(monkeypatch):
    """The paths of videos that are opened for decoding, one by one."""
    paths = []

    def spy(path, **how):
        paths.append(path)
        return open_video(path, **how)

    monkeypatch.setattr(kept, 'open_video', spy)
    return paths


@pytest.fixture
def warnings(monkeypatch):
    lines = []
    monkeypatch.setattr(kept, 'print_log', lambda line, **how: lines.append(line))
    return lines


def read(path, folder, **arguments):
    return DecordInit(keep_in=str(folder), **arguments)(dict(filename=str(path)))


@pytest.mark.parametrize('name', ['mp4v.mp4', 'MJPG.avi', 'XVID.avi', 'VP80.webm'])
@pytest.mark.parametrize('side', [None, 32])
def test_kept_frames_are_the_videos_bit_for_bit_and_it_is_opened_once(tmp_path, opened, name, side):
    path = write_noise(tmp_path, name)
    video = open_video(str(path), short_side=side)
    for _ in range(3):
        results = read(path, tmp_path / 'frames', short_side=side)
        reader = results['video_reader']
        assert isinstance(reader, kept.KeptFrames)
        assert (results['total_frames'], results['avg_fps']) == (len(video), video.get_avg_fps())
        for frames in ([5], [3, 40, 3, 20], [-1, 0], range(len(video)), []):
            expected = video.get_batch(frames).asnumpy() if len(frames) else None
            found = reader.get_batch(frames).asnumpy()
            assert np.array_equal(found, expected) if len(frames) else not found
        assert np.array_equal(reader[7], video[7])
        with pytest.raises(IndexError, match=f'frames {len(video)} to {len(video)} of a video of {len(video)}'):
            reader.get_batch([len(video)])
    assert opened == [str(path)] and len(list((tmp_path / 'frames').iterdir())) == 1


def test_frames_of_each_size_are_kept_by_themselves(tmp_path):
    path = write_noise(tmp_path, 'mp4v.mp4')
    for side in (None, 32, None):
        assert min(read(path, tmp_path / 'frames', short_side=side)['video_reader'][0].shape[:2]) == (side or 64)


def test_what_is_asked_of_the_video_itself_opens_it(tmp_path, opened):
    path = write_noise(tmp_path, 'mp4v.mp4')
    read(path, tmp_path / 'frames')
    reader = read(path, tmp_path / 'frames')['video_reader']
    reader.seek(0)  # as DecordDecode(mode='efficient') does
    assert reader.next().shape == (64, 96, 3) and len(opened) == 2


def test_a_data_set_gives_the_same_clips_with_and_without(tmp_path):
    annotation = write_clips(tmp_path / 'clips', 2, 3, frames=20)

    def clips(**keep):
        pipeline = [
            dict(type='mmdualkd.DecordInit', **keep),
            dict(type='SampleFrames', clip_len=4, frame_interval=2, num_clips=1),
            dict(type='DecordDecode'),
            dict(type='RandomCrop', size=24),
            dict(type='FormatShape', input_format='NCTHW'),
            dict(type='PackActionInputs'),
        ]
        config = dict(
            type='mmdualkd.VideoDataset',
            ann_file=str(annotation),
            data_prefix=dict(video=str(annotation.parent)),
            pipeline=pipeline,
        )
        dataset = DATASETS.build(dict(config, _scope_='mmaction'))
        dataset.set_clock(0, 0, 0)
        return [dataset[index]['inputs'] for index in range(len(dataset))]

    plain = clips()
    for _ in range(2):
        assert all(map(torch.equal, clips(keep_in=str(tmp_path / 'frames')), plain))


def test_a_video_or_decoder_that_has_changed_decodes_anew(tmp_path, opened, monkeypatch):
    path = write_noise(tmp_path, 'mp4v.mp4')
    before = read(path, tmp_path / 'frames')['video_reader'][0]
    shutil.move(write_noise(tmp_path, 'mp4v.mp4', size=(128, 64)), path)
    os.utime(path, ns=(0, 0))
    after = read(path, tmp_path / 'frames')['video_reader'][0]
    assert after.shape != before.shape and len(opened) == 2
    monkeypatch.setattr(kept, 'DECODERS', ('0.7', '5'))
    read(path, tmp_path / 'frames')
    assert len(opened) == 3


def test_a_name_without_an_extension_is_the_file_that_it_means_though_a_folder_has_that_name(tmp_path, opened):
    (tmp_path / 'mp4v').mkdir()  # of its pictures, as in Kinetics' rawframes
    for size in ((96, 64), (128, 64)):
        write_noise(tmp_path, 'mp4v.mp4', size=size)
        for _ in range(2):
            assert read(tmp_path / 'mp4v', tmp_path / 'frames')['video_reader'][0].shape == (*size[::-1], 3)
    assert len(opened) == 2


def test_a_damaged_video_gives_the_same_frames_the_first_time_and_later(tmp_path):
    path = write_noise(tmp_path, 'XVID.avi')
    content = bytearray(path.read_bytes())
    place = len(content) * 85 // 100
    content[place : place + 4] = bytes(4)
    path.write_bytes(content)
    video = open_video(str(path))
    assert not np.array_equal(video.get_batch([5, 50]).asnumpy()[1], video.get_batch(range(60)).asnumpy()[50])
    first, second = (read(path, tmp_path / 'frames')['video_reader'].get_batch([5, 50]).asnumpy() for _ in range(2))
    assert np.array_equal(first, second)


def test_writers_of_one_video_do_not_meet_and_a_killed_ones_part_goes_after_an_hour(tmp_path, warnings, monkeypatch):
    path, folder, save = write_noise(tmp_path, 'mp4v.mp4'), tmp_path / 'frames', torch.save

    def meanwhile(content, file):
        save(content, file)
        monkeypatch.setattr(torch, 'save', save)
        read(path, folder)  # in another container, with the same process id

    monkeypatch.setattr(torch, 'save', meanwhile)
    read(path, folder)
    assert not warnings and len(list(folder.iterdir())) == 1
    for name, age in dict(old=4000, new=10).items():
        part = folder / f'{name}{kept.PART}'
        part.touch()
        os.utime(part, (time.time() - age,) * 2)
    read(path, folder)
    assert sorted(file.name for file in folder.glob(f'*{kept.PART}')) == [f'new{kept.PART}']


def test_a_folder_of_many_files_is_not_looked_through_for_each(tmp_path, monkeypatch):
    looks, disk_usage = [], shutil.disk_usage
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: looks.append(folder) or disk_usage(folder))
    keeper = kept.Keeper(tmp_path, 1e9)
    assert [keeper._no_room(10**6) for _ in range(40)] == [None] * 40 and len(looks) == 3


def test_what_is_not_of_kept_frames_is_not_removed(tmp_path):
    read(write_noise(tmp_path, 'mp4v.mp4'), tmp_path / 'frames')
    others = ['model.pt', f'{"0" * 32}.pth']
    for name in others:
        (tmp_path / 'frames' / name).touch()
    assert sorted(kept.others_in(tmp_path / 'frames')) == sorted(others)
    kept.remove_kept(tmp_path / 'frames')
    assert sorted(file.name for file in (tmp_path / 'frames').iterdir()) == sorted(others)


@pytest.mark.parametrize(
    'spoil',
    [
        lambda file: file.write_bytes(b''),
        lambda file: file.write_bytes(file.read_bytes()[:-1000]),
        lambda file: file.write_bytes(b'no file of ours'),
        lambda file: torch.save(dict(frames=torch.zeros(3)), file),
        lambda file: torch.save(dict(frames=torch.zeros(3), fps=1.0), file),
        lambda file: torch.save([1, 2], file),
        lambda file: torch.save(open_video, file),
    ],
)
def test_a_file_that_is_not_whole_is_written_anew(tmp_path, opened, spoil):
    path = write_noise(tmp_path, 'mp4v.mp4')
    read(path, tmp_path / 'frames')
    [file] = (tmp_path / 'frames').iterdir()
    spoil(file)
    for _ in range(2):
        assert np.array_equal(read(path, tmp_path / 'frames')['video_reader'][9], open_video(str(path))[9])
    assert len(opened) == 2


def full_disk(*_):
    raise RuntimeError('[enforce fail at inline_container.cc:862] . PytorchStreamWriter failed writing file data/0')


@pytest.mark.parametrize('error', [full_disk, lambda *_: (_ for _ in ()).throw(OSError(28, 'No space left on device'))])
def test_a_full_disk_is_told_once_and_leaves_nothing(tmp_path, opened, warnings, monkeypatch, error):
    def save(content, file):
        file.write_bytes(b'a part')
        error()

    monkeypatch.setattr(torch, 'save', save)
    transform = DecordInit(keep_in=str(tmp_path / 'frames'))
    for name in ('mp4v.mp4', 'XVID.avi', 'mp4v.mp4'):
        path = write_noise(tmp_path, name)
        reader = transform(dict(filename=str(path)))['video_reader']
        assert np.array_equal(reader[9], open_video(str(path))[9])
    [line] = warnings
    assert line.startswith("no further frames are kept in '") and line.endswith('other videos are decoded each time')
    assert not list((tmp_path / 'frames').iterdir())


def test_no_more_is_kept_than_the_user_and_the_disk_allow(tmp_path, warnings, monkeypatch):
    one, other = write_noise(tmp_path, 'mp4v.mp4'), write_noise(tmp_path, 'XVID.avi')  # 60 frames of 18,432 bytes each
    transform = DecordInit(keep_in=str(tmp_path / 'frames'), keep_gb=0.002)
    for path in (one, other, one, other):
        assert len(transform(dict(filename=str(path)))['video_reader']) == 60
    assert len(list((tmp_path / 'frames').iterdir())) == 1
    assert [line.partition(': ')[2].partition(';')[0] for line in warnings] == ['it holds 0.0 of 0.002 GB']
    usage = namedtuple('usage', 'total used free')
    for total, free, room in ((10**9, 4 * 10**7, False), (10**12, 19 * 10**8, False), (10**12, 21 * 10**8, True)):
        monkeypatch.setattr(shutil, 'disk_usage', Mock(return_value=usage(total, total - free, free)))
        read(other, tmp_path / 'frames')
        assert len(list((tmp_path / 'frames').iterdir())) == 1 + room
        assert 'its disk is all but full' in warnings[-1] and len(warnings) == (3 if total > 10**9 else 2)


def test_a_video_that_is_long_or_breaks_off_is_decoded_each_time_without_a_word(
    tmp_path, opened, warnings, monkeypatch
):
    path = write_noise(tmp_path, 'mp4v.mp4')
    monkeypatch.setattr(kept, 'LARGEST', 1000)
    assert len(read(path, tmp_path / 'frames')['video_reader']) == 60
    monkeypatch.undo()

    def broken(self, indices):
        raise RuntimeError('cannot decode') if len(indices) == 60 else IndexError

    transform = DecordInit(keep_in=str(tmp_path / 'frames'))
    with monkeypatch.context() as patch:
        patch.setattr('mmdualkd.datasets.reading.InOrder.get_batch', broken)
        reader = transform(dict(filename=str(path)))['video_reader']
    assert np.array_equal(reader.get_batch([3]).asnumpy()[0], open_video(str(path))[3])
    assert transform(dict(filename=str(path)))['video_reader'].__class__ is reader.__class__  # not tried again
    assert not list((tmp_path / 'frames').iterdir()) and not warnings


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(keep_in=3), 'keep_in must be None or the path of a folder, got 3'),
        (dict(keep_in=' '), "keep_in must be None or the path of a folder, got ' '"),
        (dict(keep_in='~nobody-of-this-name/frames'), "keep_in='~nobody.*': Could not determine home directory"),
        (dict(keep_in='{file}/frames'), "keep_in='.*/frames' cannot be written: Not a directory"),
        (dict(keep_in='.', keep_gb=0), 'keep_gb must be a number above 0, got 0'),
        (dict(keep_in='.', keep_gb='8'), "keep_gb must be a number above 0, got '8'"),
        (dict(keep_in='.', keep_gb=float('nan')), 'keep_gb must be a number above 0, got nan'),
    ],
)
def test_a_wrong_setting_is_one_error_when_the_data_set_is_built(tmp_path, arguments, message):
    (tmp_path / 'file').touch()
    if isinstance(arguments['keep_in'], str):
        arguments = {**arguments, 'keep_in': arguments['keep_in'].format(file=tmp_path / 'file')}
    with pytest.raises(ConfigError, match=f'mmdualkd.DecordInit: {message}'):
        DecordInit(**arguments)
