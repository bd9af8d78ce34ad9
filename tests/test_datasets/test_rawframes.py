"""Videos as folders of frames: lists that cannot be used, frames that do not decode, and whole trainings."""

import random
import shutil

import cv2
import numpy as np
import pytest
import torch
from cache_jobs import cache_job, error_of, leaf, losses_of, same_weights, train, write_cache
from helpers import write_clips
from mmaction.datasets import RawframeDataset as StockRawframeDataset
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from mmdualkd.cache.description import list_samples
from mmdualkd.datasets import RawframeDataset
from mmdualkd.datasets.reading import open_video
from mmdualkd.errors import DataError
from mmdualkd.export import stock_config

NAMES = 'img_{:05}.png'  # without loss, so that frames are the videos'
PIPELINE = [
    dict(type='mmaction.SampleFrames', clip_len=4, frame_interval=2, num_clips=1),
    dict(type='mmaction.RawFrameDecode'),
    dict(type='mmaction.RandomCrop', size=24),
    dict(type='mmaction.FormatShape', input_format='NCTHW'),
    dict(type='mmaction.PackActionInputs'),
]


def write_frames(annotation):
    """Turns each video of a list into a folder of frames beside it; gives the list of the folders."""
    lines = []
    for line in annotation.read_text().splitlines():
        name, label = line.split()
        folder = annotation.parent / name.removesuffix('.avi')
        folder.mkdir()
        video = open_video(str(annotation.parent / name))
        for number, picture in enumerate(video.get_batch(range(len(video))).asnumpy(), 1):
            cv2.imwrite(str(folder / NAMES.format(number)), picture[..., ::-1])
        lines.append(f'{folder.name} {len(video)} {label}\n')
    frames = annotation.with_name('frames.txt')
    frames.write_text(''.join(lines))
    return frames


@pytest.fixture
def frames(tmp_path):
    """Eight folders of twelve frames, two classes."""
    return write_frames(write_clips(tmp_path))


def build(frames, cls=RawframeDataset, **kwargs):
    kwargs = dict(pipeline=PIPELINE, data_prefix=dict(img=str(frames.parent)), filename_tmpl=NAMES) | kwargs
    return cls(str(frames), **kwargs)


def test_whole_folders_come_out_as_from_the_stock_data_set(frames):
    ours, stock = build(frames, test_mode=True), build(frames, StockRawframeDataset, test_mode=True)
    for index in range(8):
        drawn = []
        for dataset in (ours, stock):
            np.random.seed(index)
            random.seed(index)
            drawn.append(dataset[index])
        assert torch.equal(drawn[0]['inputs'], drawn[1]['inputs'])
        assert drawn[0]['data_samples'].gt_label == drawn[1]['data_samples'].gt_label


@pytest.mark.parametrize('workers', [0, 2])
def test_folders_with_broken_frames_are_replaced_counted_and_named(frames, workers):
    folders = [frames.parent / line.split()[0] for line in frames.read_text().splitlines()]
    whole = PIPELINE[0] | dict(clip_len=12, frame_interval=1)
    (folders[1] / NAMES.format(1)).write_bytes(b'no picture')
    (folders[2] / NAMES.format(12)).write_bytes(b'no picture')
    (folders[4] / NAMES.format(5)).write_bytes(b'')
    (folders[6] / NAMES.format(7)).unlink()
    shutil.rmtree(folders[7])
    dataset = build(frames, pipeline=[whole, *PIPELINE[1:]])
    loader = DataLoader(dataset, batch_size=2, num_workers=workers, collate_fn=pseudo_collate)
    assert sum(len(batch['inputs']) for batch in loader) == 8
    assert dataset.failed() == [str(folders[index]) for index in (1, 2, 4, 6, 7)]
    assert any(str(folder) in dataset.last_error for folder in folders)
    test = build(frames, pipeline=[whole, *PIPELINE[1:]], test_mode=True)
    assert not test[1]['inputs'].any() and test[1]['data_samples'].gt_label == 0


@pytest.mark.parametrize(
    ('lines', 'options', 'error'),
    [
        ('class0_0 12', {}, "line 1 .* a line must be '<folder> <total_frames> <label>'"),
        ('class0_0 x 0', {}, "line 1 .* a line must be '<folder> <total_frames> <label>'"),
        ('class0_0 12 0', dict(with_offset=True), "a line must be '<folder> <offset> <total_frames> <label>'"),
        ('class0_0 0 12 0', {}, "no folder '.*class0_0 0': .* dataset.with_offset=True or dataset.multi_class=True"),
        ('class0_0 0 0', {}, "'total_frames': 0.*one frame at least"),
        ('class0_0 12 -2', {}, 'label -2 is negative'),
        ('class0_0 12 -1', dict(test_mode=True), 'which only training data may be without'),
        ('class0_0 12 1\nclass0_1 12 2', dict(num_classes=2), 'line 2 .* labels begin at 1; subtract 1'),
        ('nowhere 12 0', {}, 'none of 1 videos of .* is there: .*data_prefix'),
        ('class0_0 13 0', {}, 'img_00013.png, whose folder has 12 files, img_00001.png to img_00012.png: .*numbers'),
        ('class0_0 12 0', dict(start_index=0), r'img_00000.png, whose folder .*dataset.start_index=0'),
        ('class0_0 12 0', dict(filename_tmpl='img_{:05}.jpg'), r"dataset.filename_tmpl='img_{:05}.jpg'"),
        ('\n', {}, 'is empty'),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_with_its_line_and_the_key(frames, lines, options, error):
    frames.write_text(lines)
    with pytest.raises(DataError, match=error):
        build(frames, **options)


def test_a_folder_beside_the_video_of_its_name_is_the_folder(frames):
    (frames.parent / 'class0_0.mp4').write_bytes(b'the video that the frames are of')
    assert build(frames).get_data_info(0)['frame_dir'] == str(frames.parent / 'class0_0')
    assert build(frames)[0]['data_samples'].get('frame_dir') == str(frames.parent / 'class0_0')


def test_parts_of_a_folder_names_with_spaces_and_blank_lines_are_read(frames):
    (frames.parent / 'class0_0').rename(frames.parent / 'a b')
    frames.write_text('a b 2 6 1\n\nclass0_1 0 4 -1\n')
    dataset = build(frames, with_offset=True)
    assert [(info['offset'], info['total_frames'], info['label']) for info in map(dataset.get_data_info, (0, 1))] == [
        (2, 6, 1),
        (0, 4, -1),
    ]
    assert dataset[0]['data_samples'].get('frame_dir') == str(frames.parent / 'a b')
    frames.write_text('class0_1 12 0 1\nclass0_2 12 1\n')
    several = build(frames, multi_class=True, num_classes=2)
    assert [several.get_data_info(index)['label'].tolist() for index in (0, 1)] == [[1, 1], [0, 1]]


def test_what_is_known_of_a_folders_content_changes_with_its_frames(frames):
    before = build(frames)._content(0)
    assert before and build(frames)._content(0) == before
    cv2.imwrite(str(frames.parent / 'class0_0' / NAMES.format(12)), np.zeros((32, 32, 3), np.uint8))
    assert build(frames)._content(0) != before
    assert list_samples(build(frames))[0] == [0, 'class0_0', None]  # a folder's size is another on another disk


def test_a_training_on_frames_is_the_one_on_videos_with_teachers_or_their_cache_and_exports(tmp_path):
    job = cache_job(tmp_path)
    frames = write_frames(tmp_path / 'clips' / 'annotation.txt')
    source = f"""
frames = dict(type='mmdualkd.RawframeDataset', ann_file={str(frames)!r}, data_prefix=dict(
    _delete_=True, img={str(frames.parent)!r}), filename_tmpl={NAMES!r})
pipeline = [_base_.pipeline[1], dict(type='RawFrameDecode'), *_base_.pipeline[3:]]
train_dataloader = dict(dataset=dict(**frames, pipeline=pipeline))
val_dataloader = dict(dataset=dict(**frames, pipeline=[
    dict(type='SampleFrames', clip_len=4, frame_interval=1, num_clips=1, test_mode=True), *pipeline[1:]]))
test_dataloader = val_dataloader
custom_hooks = [*_base_.custom_hooks, dict(type='mmdualkd.StudentCheckpointHook')]
"""
    ours = leaf(job, tmp_path, source)
    two = 'train_dataloader.dataset.num_views=2'
    train(job, tmp_path / 'videos', two)
    train(ours, tmp_path / 'frames', two)
    assert losses_of(tmp_path / 'frames') == losses_of(tmp_path / 'videos')
    write_cache(ours, tmp_path / 'cache', '--views', 2, '--dtype', 'float32')
    train(ours, tmp_path / 'cached', f'model.teacher_cache={tmp_path / "cache"}')
    for name in ('frames', 'cached'):
        assert same_weights(tmp_path / name, tmp_path / 'videos'), name
    stock = stock_config(Config.fromfile(ours.config))[0].test_dataloader.dataset
    assert stock.type == 'RawframeDataset' and 'num_views' not in stock
    cv2.imwrite(str(frames.parent / 'class0_0' / NAMES.format(1)), np.zeros((32, 32, 3), np.uint8))
    error = error_of(ours, tmp_path / 'changed', f'model.teacher_cache={tmp_path / "cache"}')
    assert 'does not fit' in error and 'class0_0' in error, error
