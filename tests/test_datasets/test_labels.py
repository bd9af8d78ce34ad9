"""Samples without a label in training lists, and data sets that take labels away."""

from pathlib import Path

import pytest
from helpers import write_clips
from mmengine.dataset import ClassBalancedDataset
from picture_jobs import write_pictures
from seeded_job import TRAIN_PIPELINE

from mmdualkd.datasets import CustomDataset, VideoDataset
from mmdualkd.datasets.labels import unlabelled_rest
from mmdualkd.errors import ConfigError, DataError

NAMES = [f'class{label}_{index}.avi' for label in range(2) for index in range(4)]
LABELS = [0, -1, 0, -1, -1, 1, -1, -1]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('clips')
    write_clips(folder, frames=6)
    return folder


def videos(folder, tmp_path, labels=LABELS, separator=' ', **kwargs):
    """A list of the eight videos with such labels."""
    path = tmp_path / 'list.txt'
    path.write_text(''.join(f'{name}{separator}{label}\n' for name, label in zip(NAMES, labels, strict=True)))
    kwargs = dict(pipeline=TRAIN_PIPELINE, data_prefix=dict(video=str(folder)), delimiter=separator) | kwargs
    return VideoDataset(str(path), **kwargs)


def labels_of(dataset):
    return [dataset.get_data_info(index).get(dataset.label) for index in range(len(dataset))]


def files_of(dataset):
    return [dataset.get_data_info(index)[dataset.file] for index in range(len(dataset))]


def test_a_label_of_minus_one_or_none_behind_a_comma_is_read_as_no_label(folder, tmp_path):
    assert labels_of(videos(folder, tmp_path)) == LABELS
    bare = ['' if label < 0 else label for label in LABELS]
    dataset = videos(folder, tmp_path, bare, separator=',', num_classes=2)
    assert labels_of(dataset) == LABELS
    assert dataset[1]['data_samples'].gt_label.tolist() == [-1]


def test_of_several_labels_none_is_another_thing_than_no_label(folder, tmp_path):
    dataset = videos(folder, tmp_path, ['0 2', -1, '', *[1] * 5], multi_class=True, num_classes=3)
    assert [row.tolist() for row in labels_of(dataset)[:3]] == [[1, 0, 1], [-1, -1, -1], [0, 0, 0]]
    assert [dataset.get_cat_ids(index) for index in range(4)] == [[0, 2], [], [], [1]]
    with pytest.raises(DataError, match='label -1 is negative'):
        videos(folder, tmp_path, ['0 -1', *[1] * 7], multi_class=True, num_classes=3)


def test_a_test_list_that_says_no_label_is_one_clear_error(folder, tmp_path):
    with pytest.raises(DataError, match=r"line 2 \('class0_1.avi -1'\): label -1 means no label, .* training data"):
        videos(folder, tmp_path, test_mode=True)


def test_what_has_no_label_can_be_left_out(folder, tmp_path):
    dropped = videos(folder, tmp_path, unlabelled='drop')
    assert labels_of(dropped) == [0, 0, 1]
    assert [file.rpartition('/')[2] for file in files_of(dropped)] == [NAMES[0], NAMES[2], NAMES[5]]
    with pytest.raises(DataError, match=r"no sample has a label, and dataset.unlabelled='drop'"):
        videos(folder, tmp_path, [-1] * 8, unlabelled='drop')


def test_a_fraction_keeps_its_share_of_each_class_the_same_with_and_without_the_rest():
    labels = [0] * 10 + [1] * 30 + [-1] * 5 + [2]
    small, large = (unlabelled_rest(labels, fraction, 3) for fraction in (0.1, 0.4))
    kept = [[place for place in range(46) if place not in rest and labels[place] >= 0] for rest in (small, large)]
    assert [[labels[place] for place in one].count(label) for one in kept for label in range(3)] == [1, 3, 1, 4, 12, 1]
    assert set(kept[0]) < set(kept[1])
    assert small == unlabelled_rest(labels, 0.1, 3) != unlabelled_rest(labels, 0.1, 4)
    assert unlabelled_rest(labels, 1.0, 0) == []


def test_a_share_is_rounded_and_drawn_for_each_class_apart():
    kept = sorted({*range(40)} - {*unlabelled_rest([0] * 20 + [1] * 20, 0.5, 0)})
    assert [place for place in kept if place < 20] != [place - 20 for place in kept if place >= 20]
    assert len(unlabelled_rest([0] * 7, 0.25, 0)) == 5  # 1.75 labels are 2


def test_a_data_set_of_few_labels_keeps_or_drops_the_rest(folder, tmp_path):
    settings = dict(labels=[0] * 4 + [1] * 4, labelled_fraction=0.5, label_seed=1)
    kept, dropped = (videos(folder, tmp_path, unlabelled=how, **settings) for how in ('keep', 'drop'))
    labels = labels_of(kept)
    assert sorted(labels) == [-1] * 4 + [0, 0, 1, 1] and labels_of(dropped) == [0, 0, 1, 1]
    assert files_of(dropped) == [file for file, label in zip(files_of(kept), labels, strict=True) if label >= 0]
    assert len(files_of(kept)) == 8


def test_a_fraction_is_one_of_the_samples_that_indices_leave(folder, tmp_path):
    settings = dict(labels=[0] * 4 + [1] * 4, labelled_fraction=0.5, indices=[0, 3, 6, 7])
    for seed in range(4):
        kept, dropped = (
            videos(folder, tmp_path, unlabelled=how, label_seed=seed, **settings) for how in ('keep', 'drop')
        )
        labels = labels_of(kept)
        assert [NAMES.index(Path(file).name) for file in files_of(kept)] == [0, 3, 6, 7]
        assert sorted(labels) == [-1, -1, 0, 1]
        assert files_of(dropped) == [file for file, label in zip(files_of(kept), labels, strict=True) if label >= 0]
    assert len(files_of(videos(folder, tmp_path, indices=3))) == 3


def test_pictures_too_and_so_many_of_each_class_leave_those_without_a_label(tmp_path):
    folder = write_pictures(tmp_path / 'pictures')
    few = CustomDataset(data_prefix=str(folder), labelled_fraction=0.25)
    assert sorted(labels_of(few)) == [-1] * 6 + [0, 1]
    names = [f'class{label}/{index}.jpg' for label in range(2) for index in range(4)]
    (tmp_path / 'list.txt').write_text(''.join(f'{name} {label}\n' for name, label in zip(names, LABELS, strict=True)))
    listed = CustomDataset(data_prefix=str(folder), ann_file=str(tmp_path / 'list.txt'), per_class=1)
    assert sorted(labels_of(listed)) == [-1] * 5 + [0, 1]


@pytest.mark.parametrize(
    ('setting', 'message'),
    [
        (dict(labelled_fraction=0), 'dataset.labelled_fraction must be None or in 0 to 1, above 0, got 0'),
        (dict(labelled_fraction=True), 'dataset.labelled_fraction must be None'),
        (dict(label_seed=-1), 'dataset.label_seed must be a whole number from 0, got -1'),
        (dict(unlabelled='dropp'), "dataset.unlabelled='dropp' .* did you mean 'drop'"),
        (dict(unlabelled='drop', test_mode=True), "dataset.unlabelled='drop' is for training data"),
        (dict(labelled_fraction=0.5, test_mode=True), 'dataset.labelled_fraction=0.5 is for training data'),
        (dict(labelled_fraction=0.5, multi_class=True, num_classes=2), 'labelled_fraction asks for one label a sample'),
    ],
)
def test_settings_that_cannot_work_are_named(folder, tmp_path, setting, message):
    with pytest.raises(ConfigError, match=message):
        videos(folder, tmp_path, [0] * 4 + [1] * 4, **setting)


def test_classes_are_balanced_as_if_samples_without_a_label_were_not_there(folder, tmp_path):
    labels = [0, -1, 0, -1, 0, 1, 0, 0]
    mixed, dropped = (
        ClassBalancedDataset(videos(folder, tmp_path, labels, unlabelled=how), oversample_thr=0.5)
        for how in ('keep', 'drop')
    )
    drawn = [[wrapper.get_cat_ids(index) for index in range(len(wrapper))] for wrapper in (mixed, dropped)]
    assert [one for one in drawn[0] if one] == drawn[1] == [[0], [0], [0], [1], [1], [0], [0]]
    assert drawn[0].count([]) == 2


def test_a_broken_video_without_a_label_is_passed_over_like_others(folder, tmp_path):
    (folder / 'broken.avi').write_bytes(b'no video')
    lines = ''.join(f'{name} 0\n' for name in NAMES)
    (tmp_path / 'list.txt').write_text(f'broken.avi -1\n{lines}')
    dataset = VideoDataset(
        str(tmp_path / 'list.txt'), pipeline=TRAIN_PIPELINE, data_prefix=dict(video=str(folder)), num_classes=2
    )
    assert dataset[0]['data_samples'].gt_label.tolist() == [0]  # of the one that stands in for it
    assert dataset.failed() == [str(folder / 'broken.avi')]
