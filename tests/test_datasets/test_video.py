"""Videos that do not decode, annotations that cannot be used, and random numbers that only the seed decides."""

import random
from unittest import mock

import decord
import numpy as np
import pytest
import torch
from helpers import write_clips
from mmaction.datasets import VideoDataset as StockVideoDataset
from mmengine.dataset import pseudo_collate
from seeded_job import TRAIN_PIPELINE as PIPELINE
from torch.utils.data import DataLoader

from mmdualkd.cache.description import list_samples
from mmdualkd.datasets import VideoDataset, annotations
from mmdualkd.datasets.reading import open_video
from mmdualkd.datasets.visits import CountingSampler, Visit
from mmdualkd.errors import ConfigError, DataError


def build(annotation, cls=VideoDataset, **kwargs):
    kwargs = dict(pipeline=PIPELINE, data_prefix=dict(video=str(annotation.parent))) | kwargs
    return cls(str(annotation), **kwargs)


@pytest.fixture
def clips(tmp_path):
    """Eight videos of two classes, all whole."""
    return write_clips(tmp_path)


@pytest.fixture
def broken(clips):
    """Of eight videos one is missing, one cut short, one without content, one no video."""
    names = [line.split()[0] for line in clips.read_text().splitlines()]
    folder = clips.parent
    (folder / names[1]).unlink()
    (folder / names[3]).write_bytes((folder / names[3]).read_bytes()[:300])
    (folder / names[4]).write_bytes(b'')
    (folder / names[6]).write_bytes(b'not a video' * 100)
    return clips


BROKEN = [1, 3, 4, 6]


def batches(dataset, workers):
    loader = DataLoader(
        dataset, batch_size=2, num_workers=workers, collate_fn=pseudo_collate, persistent_workers=workers > 0
    )
    return [batch['inputs'] for batch in loader]


def test_whole_videos_come_out_as_from_the_stock_data_set(clips):
    ours, stock = build(clips, test_mode=True), build(clips, StockVideoDataset, test_mode=True)
    for index in range(8):
        np.random.seed(index)
        random.seed(index)
        mine = ours[index]
        np.random.seed(index)
        random.seed(index)
        assert torch.equal(mine['inputs'], stock[index]['inputs'])
        assert mine['data_samples'].gt_label == stock[index]['data_samples'].gt_label


@pytest.mark.parametrize('workers', [0, 2])
def test_broken_videos_are_replaced_counted_and_named_whatever_the_number_of_workers(broken, workers):
    dataset = build(broken)
    assert sum(len(batch) for batch in batches(dataset, workers)) == 8
    assert dataset.flags.nonzero().flatten().tolist() == BROKEN
    names = [line.split()[0] for line in broken.read_text().splitlines()]
    assert dataset.failed() == [str(broken.parent / names[index]) for index in BROKEN]
    assert any(names[index] in dataset.last_error for index in BROKEN)


@pytest.mark.parametrize('part', [0.05, 0.5, 0.95])
def test_an_avi_that_was_cut_short_never_stalls_the_job(tmp_path, part):
    """In a process of its own: decord, given the bytes of such a file, hangs or crashes."""
    clips = write_clips(tmp_path, classes=1, per_class=2, frames=60, size=128)
    video = clips.parent / 'class0_0.avi'
    video.write_bytes(video.read_bytes()[: int(part * video.stat().st_size)])
    process = torch.multiprocessing.get_context('fork').Process(target=build(clips).prepare_data, args=(0,))
    process.start()
    process.join(timeout=30)
    stalled = process.is_alive()
    process.kill()
    assert not stalled
    assert process.exitcode == 0


@pytest.mark.parametrize('workers', [0, 2])
def test_a_broken_video_is_tested_as_a_blank_clip_under_its_own_label(broken, workers):
    dataset = build(broken, test_mode=True)
    loader = DataLoader(dataset, batch_size=1, num_workers=workers, collate_fn=pseudo_collate)
    samples = list(loader)
    labels = [int(sample['data_samples'][0].gt_label) for sample in samples]
    assert labels == [0] * 4 + [1] * 4
    blank = [index for index, sample in enumerate(samples) if not sample['inputs'][0].any()]
    assert blank == BROKEN
    assert len({sample['inputs'][0].shape for sample in samples}) == 1
    assert dataset.flags.nonzero().flatten().tolist() == BROKEN


@pytest.mark.parametrize('test_mode', [False, True])
def test_when_nothing_decodes_it_ends_in_one_clear_error(clips, test_mode):
    dataset = build(clips, test_mode=test_mode)
    for video in clips.parent.glob('*.avi'):
        video.write_bytes(b'')
    with pytest.raises(DataError, match=r'annotation\.txt: \d+ videos do not decode.*class\d_\d\.avi'):
        dataset[0]


def test_a_mistake_after_decoding_is_raised_and_not_taken_for_a_broken_video(clips):
    dataset = build(clips, pipeline=[*PIPELINE[:3], dict(type='mmaction.Resize', scale=(8, 8), interpolation='no')])
    with pytest.raises(KeyError):
        dataset[0]
    assert not dataset.flags.any()


def test_a_crop_larger_than_a_video_names_the_file_its_size_and_the_crop(clips):
    dataset = build(clips, pipeline=[*PIPELINE[:3], dict(type='mmaction.RandomCrop', size=1000), *PIPELINE[4:]])
    message = r'dataset\.pipeline\.3 \(RandomCrop\): size=1000 .*class0_0\.avi have there, 32 x 32 pixels: resize'
    with pytest.raises(ConfigError, match=message):
        dataset[0]
    assert not dataset.flags.any()


LATE = dict(type='mmaction.Flip')


@pytest.mark.parametrize(
    'pipeline, message',
    [
        ([*PIPELINE[:2], LATE, *PIPELINE[2:]], r"dataset\.pipeline\.2 \(Flip\) needs '\w+', which nothing before it"),
        ([*PIPELINE[:2], *PIPELINE[3:]], r"dataset\.pipeline\.2 \(RandomCrop\) needs '\w+', which"),
        ([PIPELINE[0], *PIPELINE[2:]], r"dataset\.pipeline\.1 \(DecordDecode\) needs 'frame_inds', which"),
        (PIPELINE[1:], r"dataset\.pipeline\.0 \(SampleFrames\) needs 'total_frames', which"),
    ],
)
@pytest.mark.parametrize('test_mode', [False, True])
def test_a_mistake_before_decoding_names_the_transform_and_no_broken_videos(clips, pipeline, message, test_mode):
    dataset = build(clips, pipeline=pipeline, test_mode=test_mode)
    with pytest.raises(ConfigError, match=message):
        dataset[0]
    assert not dataset.flags.any()


def test_what_anothers_own_decoder_raises_counts_as_broken_unless_it_asks_for_the_pixels(clips):
    class Archive:
        def __call__(self, results):
            raise self.error

    dataset = build(clips)
    dataset.pipeline.transforms[0] = archive = Archive()
    for archive.error in (KeyError('frames'), TypeError("'NoneType'"), AttributeError('shape'), KeyError()):
        assert dataset.prepare_data(0) is None and dataset.flags[0]
    archive.error = KeyError('imgs')
    with pytest.raises(ConfigError, match=r"pipeline\.0 \(Archive\) needs 'imgs'"):
        dataset.prepare_data(0)


@pytest.mark.parametrize('reader', ['Decord', 'OpenCV', 'PyAV'])
def test_what_readers_raise_of_a_broken_video_counts_as_broken_and_never_as_a_mistake(broken, reader):
    if reader == 'PyAV':
        pytest.importorskip('av')
    init, decode = (dict(type=f'mmaction.{reader}{part}') for part in ('Init', 'Decode'))
    dataset = build(broken, pipeline=[init, PIPELINE[1], decode, *PIPELINE[3:]])
    assert sum(dataset.prepare_data(index) is None for index in range(8)) == 4
    assert dataset.flags.nonzero().flatten().tolist() == BROKEN


@pytest.mark.parametrize('opener', ['DecordInit', 'TorchCodecInit'])
def test_what_our_readers_raise_of_a_broken_video_counts_as_broken_too(broken, opener):
    short_side = dict(short_side=16) if opener == 'DecordInit' else {}
    try:
        dataset = build(broken, pipeline=[dict(type=f'mmdualkd.{opener}', **short_side), *PIPELINE[1:3], PIPELINE[-1]])
    except ConfigError as error:
        pytest.skip(str(error))
    assert sum(dataset.prepare_data(index) is None for index in range(8)) == 4
    assert dataset.flags.nonzero().flatten().tolist() == BROKEN


def test_samples_depend_on_seed_epoch_and_index_and_not_on_the_workers(clips):
    def epoch(workers, seed, number):
        dataset = build(clips)
        dataset.set_clock(seed, number)
        return [clip for batch in batches(dataset, workers) for clip in batch]

    reference = epoch(0, 5, 3)
    for workers in (0, 1, 2):
        assert all(torch.equal(a, b) for a, b in zip(reference, epoch(workers, 5, 3), strict=True))
    for seed, number in ((6, 3), (5, 4)):
        assert not all(torch.equal(a, b) for a, b in zip(reference, epoch(0, seed, number), strict=True))


def test_replacements_of_broken_videos_do_not_depend_on_the_workers_either(broken):
    def epoch(workers):
        dataset = build(broken)
        dataset.set_clock(1, 0)
        return [clip for batch in batches(dataset, workers) for clip in batch]

    assert all(torch.equal(a, b) for a, b in zip(epoch(0), epoch(2), strict=True))


@pytest.mark.parametrize('workers', [0, 1, 3])
def test_a_sample_that_comes_up_again_is_augmented_anew_whatever_the_number_of_workers(clips, workers):
    dataset = build(clips)
    dataset.set_clock(0, 0)
    draws = CountingSampler([0] * 6)
    loader = DataLoader(dataset, sampler=draws, num_workers=workers, collate_fn=pseudo_collate)
    clips_of_one = [batch['inputs'][0] for batch in loader]
    assert len({clip.numpy().tobytes() for clip in clips_of_one}) > 1
    expected = [dataset[Visit(0, count)]['inputs'] for count in range(6)]
    assert all(torch.equal(a, b) for a, b in zip(clips_of_one, expected, strict=True))


def test_the_callers_random_numbers_go_on_as_if_no_sample_was_drawn(clips):
    def draw(sample):
        random.seed(1)
        np.random.seed(1)
        torch.manual_seed(1)
        if sample:
            dataset[0]
        return random.random(), np.random.rand(), torch.rand(1).item()

    dataset = build(clips)
    dataset.set_clock(0, 0)
    assert draw(True) == draw(False)


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('a.avi', r"line 3 \('a\.avi'\): a line must be '<file> <label>'"),
        ('a.avi 1 1', r"line 3 .*several labels need dataset\.multi_class=True, and there is no file 'a\.avi 1'"),
        ('a.avi one', r'line 3 .*whole numbers'),
        ('a.avi -2', r'line 3 .*label -2 is negative'),
        ('a.avi 2', r'line 3 .*label 2, but dataset\.num_classes=2'),
    ],
)
def test_a_wrong_line_is_named_with_file_number_and_text(clips, line, message):
    lines = clips.read_text().splitlines()
    clips.write_text('\n'.join([*lines[:2], line, *lines[2:]]))
    with pytest.raises(DataError, match=message) as caught:
        build(clips, num_classes=2)
    assert str(clips) in str(caught.value)


@pytest.mark.parametrize(
    'name', ['two words.avi', 'take 2.avi', 'a folder/ran  2', 'прыжок/走る é.avi', "quote'd, #1.avi"]
)
def test_names_of_files_may_have_spaces_and_be_of_any_script(clips, name):
    file = clips.parent / name
    file.parent.mkdir(exist_ok=True)
    (clips.parent / 'class1_3.avi').rename(file)
    clips.write_text(clips.read_text().replace('class1_3.avi', name))
    dataset = build(clips, num_classes=2)
    assert dataset.get_data_info(7)['filename'] == str(file) and dataset.get_data_info(7)['label'] == 1
    if file.suffix:
        assert dataset.prepare_data(7) is not None
    with pytest.raises(DataError, match=r"line 8 .*'<file> <label> \[<label> \.\.\.\]'.*another dataset\.delimiter"):
        build(clips, num_classes=2, multi_class=True)


def test_a_name_without_an_extension_is_the_mp4_as_in_mmaction2_and_is_known_by_its_file(clips):
    names = [line.split('.')[0] for line in clips.read_text().splitlines()]
    whole = [(clips.parent / f'{name}.avi').rename(clips.parent / f'{name}.mp4') for name in names]
    clips.write_text(''.join(f'{name} 0\n' for name in names))

    class OfItsOwn(VideoDataset):
        def load_data_list(self):
            return [dict(filename=str(clips.parent / name), label=0) for name in names]

    for cls in (VideoDataset, OfItsOwn):
        dataset, stock = (build(clips, kind, test_mode=True) for kind in (cls, StockVideoDataset))
        assert [dataset.get_data_info(index)['filename'] for index in range(8)] == list(map(str, whole))
        assert all(size for _, _, size in list_samples(dataset))  # what a cache of teachers compares
        np.random.seed(0)
        mine = dataset[3]['inputs']
        np.random.seed(0)
        assert torch.equal(mine, stock[3]['inputs'])
    (clips.parent / names[0]).touch()  # a file of that very name is another one
    assert build(clips).get_data_info(0)['filename'] == str(clips.parent / names[0])


def test_an_empty_and_a_missing_annotation_file_are_named(tmp_path):
    (tmp_path / 'empty.txt').write_text('\n\n')
    with pytest.raises(DataError, match=r'empty\.txt.* is empty'):
        build(tmp_path / 'empty.txt')
    with pytest.raises(DataError, match=r'gone\.txt.*no such file'):
        build(tmp_path / 'gone.txt')


def test_a_wrong_folder_is_an_error_when_built_that_names_it_and_the_first_path(clips, tmp_path):
    with pytest.raises(DataError, match=r'none of 8 videos .*elsewhere.*elsewhere/class0_0\.avi'):
        build(clips, data_prefix=dict(video=str(tmp_path / 'elsewhere')))


def test_a_list_of_which_some_files_are_missing_says_so_when_it_is_built(tmp_path):
    names = [f'{number:03d}.avi' for number in range(40)]
    (tmp_path / 'list.txt').write_text(''.join(f'{name} 0\n' for name in names))
    for name in names[:30]:
        (tmp_path / name).touch()
    with mock.patch.object(annotations, 'print_log') as told:
        VideoDataset(str(tmp_path / 'list.txt'), [], data_prefix=dict(video=str(tmp_path)))
    [call] = told.call_args_list
    assert call.args[0].startswith(f'5 of 20 videos of {tmp_path / "list.txt"} that were looked for are not there')
    (tmp_path / 'list.txt').write_text(''.join(f'{name} 0\n' for name in names[:30]))
    with mock.patch.object(annotations, 'print_log') as told:
        VideoDataset(str(tmp_path / 'list.txt'), [], data_prefix=dict(video=str(tmp_path)))
    assert not told.called


def test_labels_that_begin_at_1_are_told_so(clips):
    clips.write_text(clips.read_text().replace('.avi 1', '.avi 2').replace('.avi 0', '.avi 1'))
    with pytest.raises(DataError, match=r'label 2, but dataset\.num_classes=2: labels begin at 1; subtract 1$'):
        build(clips, num_classes=2)


def test_a_byte_order_mark_and_windows_line_ends_are_read_through(clips):
    plain = build(clips)
    (clips.parent / 'classes.txt').write_bytes(b'\xef\xbb\xbfleft\r\nright\r\n')
    clips.write_bytes(b'\xef\xbb\xbf' + clips.read_bytes().replace(b'\n', b'\r\n'))
    marked = build(clips)
    assert [marked.get_data_info(i) for i in range(8)] == [plain.get_data_info(i) for i in range(8)]
    assert marked.metainfo['classes'] == ['left', 'right'] and 'classes' not in plain.metainfo


@pytest.mark.parametrize('content', [None, b'caf\xe9.avi 0\n'], ids=['a folder', 'latin-1'])
def test_an_annotation_file_that_is_no_text_is_named(tmp_path, content):
    path = tmp_path / 'list.txt'
    path.write_bytes(content) if content else path.mkdir()
    with pytest.raises(DataError, match=r"dataset\.ann_file='.*list\.txt' cannot be read as a text file in UTF-8: "):
        build(path)


def test_class_names_come_from_metainfo_first_and_never_from_a_list_of_other_classes(clips):
    (clips.parent / 'classes.txt').write_text('a\nb\n')
    assert build(clips).metainfo['classes'] == ['a', 'b']
    assert build(clips, metainfo=dict(classes=['x', 'y'])).metainfo['classes'] == ['x', 'y']
    assert 'classes' not in build(clips, num_classes=3).metainfo
    (clips.parent / 'classes.txt').write_text('a\n')
    assert 'classes' not in build(clips).metainfo


@pytest.mark.parametrize('part', [0.6, 0.97])
def test_a_video_of_which_a_part_is_missing_does_not_pass_for_a_short_one(tmp_path, part):
    path = write_clips(tmp_path, 1, 1, frames=60).parent / 'class0_0.avi'
    (tmp_path / 'folder.avi').mkdir()
    (tmp_path / 'list.txt').write_text(f'{path.name} 0\nfolder.avi 0\n')
    dataset = build(tmp_path / 'list.txt')
    assert dataset.prepare_data(0) is not None
    assert len(open_video(str(path))) == 60
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    assert len(decord.VideoReader(str(path))) >= 30  # this is what it passed for
    assert dataset.prepare_data(0) is None and 'is cut short: it has' in dataset.last_error
    assert dataset.prepare_data(1) is None
    assert dataset.failed() == [str(path), str(tmp_path / 'folder.avi')]


def test_several_labels_a_line_and_blank_lines_are_read(clips):
    lines = clips.read_text().splitlines()
    clips.write_text('\n'.join([lines[0] + ' 2', '', *lines[1:], '']))
    dataset = build(clips, multi_class=True, num_classes=3)
    assert len(dataset) == 8
    assert dataset.get_data_info(0)['label'].tolist() == [1, 0, 1]
    with pytest.raises(ConfigError, match=r'dataset\.multi_class=True needs dataset\.num_classes'):
        build(clips, multi_class=True)
