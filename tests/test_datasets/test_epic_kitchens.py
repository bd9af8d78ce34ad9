import csv
import struct

import cv2
import numpy as np
import pytest
import torch
from mmaction.evaluation import AccMetric
from mmaction.structures import ActionDataSample
from mmaction.utils import register_all_modules
from mmengine.dataset import Compose

from mmdualkd.cache.description import check_samples, list_samples
from mmdualkd.datasets.epic_kitchens import COLUMNS, EpicKitchens, SegmentInit
from mmdualkd.errors import CacheError, ConfigError, DataError
from mmdualkd.views import SampleViews

HEADER = [
    *('narration_id', 'participant_id', 'video_id', 'narration_timestamp', 'start_timestamp', 'stop_timestamp'),
    *(
        'start_frame',
        'stop_frame',
        'narration',
        'verb',
        'verb_class',
        'noun',
        'noun_class',
        'all_nouns',
        'all_noun_classes',
    ),
]
DECODE = [dict(type='DecordDecode'), dict(type='FormatShape', input_format='NCTHW'), dict(type='PackActionInputs')]
PIPELINE = [dict(type='mmdualkd.SegmentInit'), dict(type='SampleFrames', clip_len=4, frame_interval=1), *DECODE]


def setup_module():
    register_all_modules()


def write_video(path, fps, frames):
    """Frame i is a flat grey of i, so that a pixel tells which frame it is from."""
    path.parent.mkdir(parents=True, exist_ok=True)
    avi = path.with_suffix('.avi')
    writer = cv2.VideoWriter(str(avi), cv2.VideoWriter_fourcc(*'MJPG'), fps, (32, 32))
    for index in range(frames):
        writer.write(np.full((32, 32, 3), index, dtype=np.uint8))
    writer.release()
    avi.rename(path)


def write_uneven(path):
    """An MP4 of 100 frames: 50 in its first second, 50 in the three that follow, 25 a second on average."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 25, (32, 32))
    for index in range(100):
        writer.write(np.full((32, 32, 3), index, dtype=np.uint8))
    writer.release()
    data = bytearray(path.read_bytes())
    movie = data.rindex(b'moov')
    times = data.index(b'stts', movie) - 4  # how long pictures last: so many so long, and so many so long
    duration = int.from_bytes(data[times + 20 : times + 24], 'big')
    data[times : times + 24] = struct.pack('>I4s6I', 32, b'stts', 0, 2, 50, duration // 2, 50, duration * 3 // 2)
    for name in (b'moov', b'trak', b'mdia', b'minf', b'stbl'):
        place = data.index(name, movie) - 4
        data[place : place + 4] = struct.pack('>I', int.from_bytes(data[place : place + 4], 'big') + 8)
    path.write_bytes(data)


def row(video, start, stop, verb, noun):
    values = dict.fromkeys(HEADER, '')
    values.update(participant_id=video[:3], video_id=video, start_timestamp=start, stop_timestamp=stop)
    values.update(narration='wash, then dry the "cup"', verb_class=verb, noun_class=noun, start_frame=1, stop_frame=2)
    return values


def write_csv(path, rows, header=HEADER):
    with open(path, 'w', newline='') as file:
        writer = csv.DictWriter(file, header, extrasaction='ignore')
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


@pytest.fixture(scope='module')
def epic(tmp_path_factory):
    folder = tmp_path_factory.mktemp('epic')
    videos = folder / 'videos'
    write_video(videos / 'P01' / 'videos' / 'P01_01.MP4', fps=50, frames=240)
    write_video(videos / 'P02_101.mp4', fps=25, frames=100)
    train = write_csv(
        folder / 'EPIC_100_train.csv',
        [
            row('P01_01', '00:00:01.00', '00:00:02.50', 3, 7),
            row('P01_01', '00:00:00.50', '00:00:00.54', 0, 299),
            row('P02_101', '00:00:02.00', '00:00:03.00', 3, 2),
            row('P02_101', '00:00:03.60', '00:00:09.00', 0, 299),
        ],
    )
    val = write_csv(
        folder / 'EPIC_100_validation.csv',
        [row('P02_101', '00:00:00.00', '00:00:01.00', 3, 7), row('P02_101', '00:00:01.00', '00:00:02.00', 96, 0)],
    )
    return dict(folder=folder, train=train, val=val, prefix=dict(video=str(videos)))


def build(epic, **kwargs):
    kwargs = {**dict(ann_file=epic['train'], pipeline=PIPELINE, data_prefix=epic['prefix']), **kwargs}
    return EpicKitchens(**kwargs)


def frames_of(sample):
    """The frames of a packed clip, told by their grey."""
    return sample['inputs'].float().mean(dim=(0, 1, 3, 4)).round().int().tolist()


def test_frames_come_from_the_segment_at_the_video_s_own_frame_rate(epic):
    dataset = build(epic)
    expected = [range(50, 125), range(25, 27), range(50, 75), range(90, 100)]
    for index, allowed in enumerate(expected):
        for _ in range(5):
            got = frames_of(dataset[index])
            assert len(got) == 4
            assert all(allowed.start - 1 <= frame <= allowed.stop for frame in got), (index, got)  # 1: JPEG's rounding


def test_a_video_of_a_variable_frame_rate_is_cut_by_the_times_of_its_pictures(tmp_path):
    write_uneven(tmp_path / 'P03_01.mp4')
    found = []
    for start, stop in [(0, 1), (1, 4), (0.5, 2.5), (3.9, 9)]:
        info = dict(filename=str(tmp_path / 'P03_01.mp4'), start_seconds=start, stop_seconds=stop)
        cut = SegmentInit().transform(info)
        found.append((cut['start_index'], cut['total_frames'], round(cut['avg_fps'], 1)))
    assert found == [(0, 50, 50.0), (50, 50, 16.7), (25, 50, 25.0), (98, 2, 16.7)]
    info = dict(filename=str(tmp_path / 'P03_01.mp4'), start_seconds=4.1, stop_seconds=5)
    with pytest.raises(DataError, match='lasts 4.00 s, but a segment starts at 4.1 s'):
        SegmentInit().transform(info)


def test_a_segment_shorter_than_the_clip_is_looped_inside_itself(epic):
    results = dict(build(epic).get_data_info(1))
    for transform in Compose(PIPELINE[:2]).transforms:
        results = transform(results)
    assert sorted(set(results['frame_inds'].tolist())) == [25, 26]


def test_views_stay_inside_the_segment(epic):
    views = dict(student=dict(clip_len=4, frame_interval=3, size=32), cnn=dict(clip_len=1, num_clips=5, size=32))
    for target_fps in (None, 30):
        sampler = SampleViews(views, target_fps=target_fps)
        for index, (first, stop) in enumerate([(50, 125), (25, 27), (50, 75), (90, 100)]):
            results = SegmentInit().transform(dict(build(epic).get_data_info(index)))
            inds = sampler.transform(results)['frame_inds']
            assert first <= inds.min() and inds.max() < stop


def test_the_test_clip_is_the_middle_of_the_segment(epic):
    pipeline = [PIPELINE[0], dict(PIPELINE[1], test_mode=True), *DECODE]
    results = dict(build(epic, pipeline=pipeline, test_mode=True).get_data_info(0))
    for transform in Compose(pipeline[:2]).transforms:
        results = transform(results)
    assert results['frame_inds'].tolist() == [85, 86, 87, 88]  # 75 frames from 50: (75 - 4) // 2 = 35 on


def test_labels_are_verbs_nouns_or_pairs_in_a_stable_order(epic):
    def labels(**kwargs):
        dataset = build(epic, **kwargs)
        return [dataset.get_data_info(index)['label'] for index in range(len(dataset))]

    assert labels() == [3, 0, 3, 0]
    assert labels(target='noun', num_classes=300) == [7, 299, 2, 299]
    # pairs in order: (0, 299), (3, 2), (3, 7)
    action = dict(target='action', train_ann_file=epic['train'], num_classes=3)
    assert labels(**action) == [2, 0, 1, 0]
    assert labels(ann_file=epic['val'], test_mode=True, **action) == [2, -1]


def test_a_pair_that_training_never_saw_counts_as_wrong(epic):
    metric = AccMetric(metric_list=('top_k_accuracy',))
    for label in (2, -1):
        sample = ActionDataSample().set_gt_label(label).set_pred_score(torch.tensor([0.1, 0.2, 0.7]))
        metric.process(None, [sample.set_pred_label(2).to_dict()])
    assert metric.compute_metrics(metric.results)['top1'] == 0.5


@pytest.mark.parametrize('missing', COLUMNS)
def test_a_missing_column_is_named(epic, tmp_path, missing):
    path = write_csv(
        tmp_path / 'x.csv', [row('P02_101', '00:00:00', '00:00:01', 0, 0)], [c for c in HEADER if c != missing]
    )
    with pytest.raises(DataError, match=f'lacks the columns {missing}'):
        build(epic, ann_file=path)


def test_bad_input_gets_one_clear_error(epic, tmp_path):
    with pytest.raises(ConfigError, match="target='vreb' .*did you mean 'verb'"):
        build(epic, target='vreb')
    with pytest.raises(ConfigError, match='nowhere.*no such folder'):
        build(epic, data_prefix=dict(video=str(tmp_path / 'nowhere')))
    with pytest.raises(ConfigError, match='ann_file=.*no such file'):
        build(epic, ann_file=str(tmp_path / 'absent.csv'))
    with pytest.raises(ConfigError, match='SegmentInit'):
        build(epic, pipeline=[dict(type='DecordInit'), *PIPELINE[1:]])
    with pytest.raises(ConfigError, match='train_ann_file'):
        build(epic, target='action')
    with pytest.raises(ConfigError, match="num_classes=97, but target='noun' has 300"):
        build(epic, target='noun', num_classes=97)
    with pytest.raises(DataError, match='no segments'):
        build(epic, ann_file=write_csv(tmp_path / 'empty.csv', []))
    with pytest.raises(DataError, match=r'verb_class must be in 0 to 96, got \[97\]'):
        build(epic, ann_file=write_csv(tmp_path / 'range.csv', [row('P02_101', '00:00:00', '00:00:01', 97, 0)]))
    with pytest.raises(DataError, match='1 of 2 videos .* are not in .*P09_09'):
        rows = [row(video, '00:00:00', '00:00:01', 0, 0) for video in ('P02_101', 'P09_09')]
        build(epic, ann_file=write_csv(tmp_path / 'video.csv', rows))


@pytest.mark.parametrize('fault', [dict(stop_timestamp='2.5'), dict(verb_class=''), dict(noun_class='3.0')])
def test_a_row_that_cannot_be_read_is_named(epic, tmp_path, fault):
    rows = [row('P02_101', '00:00:00', '00:00:01', 0, 0), {**row('P02_101', '00:00:00', '00:00:01', 0, 0), **fault}]
    key, value = next(iter(fault.items()))
    with pytest.raises(DataError, match=rf"x\.csv, line 3: .* got .*{key}='{value}'"):
        build(epic, ann_file=write_csv(tmp_path / 'x.csv', rows))


def test_a_segment_after_the_end_of_its_video_is_skipped_and_named(epic, tmp_path):
    rows = [row('P02_101', '00:00:50.00', '00:00:51.00', 0, 0), row('P02_101', '00:00:01.00', '00:00:02.00', 1, 0)]
    dataset = build(epic, ann_file=write_csv(tmp_path / 'late.csv', rows))
    assert dataset[0]['data_samples'].gt_label.item() == 1
    assert 'lasts 4.00 s, but a segment starts at 50.0 s' in dataset.last_error


def test_a_cache_of_teachers_is_of_the_segments_and_not_of_their_videos_alone(epic, tmp_path):
    times = [('00:00:00.00', '00:00:01.00'), ('00:00:01.00', '00:00:02.00')]
    ours, theirs = (
        list_samples(build(epic, ann_file=write_csv(tmp_path / name, [row('P02_101', *time, 0, 0) for time in cuts])))
        for name, cuts in (('a.csv', times), ('b.csv', [times[0], ('00:00:01.50', '00:00:02.00')]))
    )
    check_samples(ours, ours, 'k')
    with pytest.raises(
        CacheError, match=r'sample 1 is P02_101.mp4, \d+ bytes, its part \[1.0, 2.0\] there, P02_101.mp4'
    ):
        check_samples(ours, theirs, 'k')


def test_annotations_of_another_version_are_refused_for_every_target(epic, tmp_path):
    action = dict(target='action', train_ann_file=epic['train'])
    of_55 = write_csv(tmp_path / 'of_55.csv', [row('P02_101', '0:0:0', '0:0:1', 0, 0)], ['uid', *HEADER[1:]])
    beyond = write_csv(tmp_path / 'beyond.csv', [row('P02_101', '0:0:0', '0:0:1', 124, 351)])
    for target in (dict(target='verb'), dict(target='noun'), action):
        with pytest.raises(DataError, match=r"of_55.csv' is of EPIC-KITCHENS-55 \(it has the column 'uid'\)"):
            build(epic, ann_file=of_55, test_mode=True, **target)
        with pytest.raises(DataError, match=r'beyond.csv: (verb|noun)_class must be in 0 to \d+, got \[\d+\]'):
            build(epic, ann_file=beyond, test_mode=True, **target)
    with pytest.raises(DataError, match=r'beyond.csv: verb_class must be in 0 to 96, got \[124\]'):
        build(epic, **{**action, 'train_ann_file': beyond})


def test_a_segment_that_ends_before_it_starts_is_skipped_and_named(epic, tmp_path):
    rows = [row('P02_101', '00:00:02.00', '00:00:01.00', 0, 0), row('P02_101', '00:00:01.00', '00:00:02.00', 1, 0)]
    dataset = build(epic, ann_file=write_csv(tmp_path / 'turned.csv', rows))
    assert dataset[0]['data_samples'].gt_label.item() == 1
    assert 'P02_101.mp4: a segment starts at 2.0 s and ends at 1.0 s' in dataset.last_error


def test_a_byte_order_mark_is_no_part_of_the_first_column(epic, tmp_path):
    marked = tmp_path / 'train.csv'
    marked.write_text(','.join(COLUMNS) + '\n', encoding='utf-8-sig')
    with pytest.raises(DataError, match='has no segments'):  # its columns are all there
        build(epic, ann_file=str(marked))
