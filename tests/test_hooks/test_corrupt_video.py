"""Broken videos: named after each epoch, too many stop the run, and what was trained stays."""

import pytest
from helpers import write_clips
from seeded_job import TRAIN_PIPELINE, runner
from two_processes import run_two

from mmdualkd.datasets import VideoDataset
from mmdualkd.errors import ConfigError, DataError
from mmdualkd.hooks import CorruptVideoHook
from mmdualkd.hooks.corrupt_video import report_failed
from mmdualkd.study.logs import read_result


@pytest.fixture
def clips(tmp_path):
    return write_clips(tmp_path / 'clips')


def log_of(folder):
    return ''.join(path.read_text() for path in folder.glob('*/*.log'))


@pytest.mark.parametrize('workers', [0, 2])
def test_broken_videos_are_counted_and_named_after_every_epoch_and_training_goes_on(clips, tmp_path, workers):
    (clips.parent / 'class1_2.avi').write_bytes(b'')
    hooks = [dict(type='mmdualkd.CorruptVideoHook', max_fraction=0.2)]
    job = runner(tmp_path / 'job', clips, workers, hooks=hooks)
    job.train()
    log = log_of(tmp_path / 'job')
    for when in ('train epoch 1', 'train epoch 2', 'validation'):
        assert f'{when}: 1 of 8 videos of {clips} did not decode: {clips.parent}/class1_2.avi' in log
    assert (tmp_path / 'job' / 'epoch_2.pth').is_file()
    assert read_result('job', tmp_path / 'job', None).undecoded == 1


def test_too_many_broken_videos_stop_the_run_and_the_epochs_checkpoint_is_kept(clips, tmp_path):
    job = runner(tmp_path / 'job', clips)
    for name in ('class0_1.avi', 'class1_3.avi'):
        (clips.parent / name).unlink()
    with pytest.raises(
        DataError, match=r'train epoch 1: 2 of 8 videos.*class0_1\.avi.*class1_3\.avi.*max_fraction=0\.1'
    ):
        job.train()
    assert (tmp_path / 'job' / 'epoch_1.pth').is_file()


@pytest.mark.parametrize('workers', [0, 2])
def test_nothing_decoding_ends_in_a_clear_error_within_the_epoch(clips, tmp_path, workers):
    job = runner(tmp_path / 'job', clips, workers)
    for video in clips.parent.glob('*.avi'):
        video.write_bytes(b'')
    with pytest.raises(DataError, match='videos do not decode'):
        job.train()


@pytest.mark.parametrize('wrap', ['RepeatDataset', 'ConcatDataset'])
def test_data_sets_inside_wrappers_are_watched_too(clips, tmp_path, wrap):
    (clips.parent / 'class0_0.avi').write_bytes(b'')
    hooks = [dict(type='mmdualkd.CorruptVideoHook', max_fraction=0.2), dict(type='mmdualkd.EpochSeedHook')]
    runner(tmp_path / 'job', clips, max_epochs=1, wrap=wrap, hooks=hooks).train()
    assert f'train epoch 1: 1 of 8 videos of {clips} did not decode' in log_of(tmp_path / 'job')


def dataset_of(clips):
    dataset = VideoDataset(str(clips), TRAIN_PIPELINE, data_prefix=dict(video=str(clips.parent)))
    dataset.full_init()
    return dataset


def test_what_did_not_decode_in_one_epoch_does_not_count_in_the_next(clips):
    dataset = dataset_of(clips)
    for index in range(8):  # in each epoch another one
        dataset.flags[index] = 1
        assert report_failed(dataset, 'an epoch', max_fraction=1 / 8) == 1
    assert report_failed(dataset, 'an epoch', max_fraction=0) == 0


def failed_in_one_of_two(rank, clips):
    """How many of 8 videos did not decode: one in both processes, another in the second alone."""
    dataset = dataset_of(clips)
    dataset.flags[[0, 5][: rank + 1]] = 1
    return report_failed(dataset, 'an epoch', max_fraction=2 / 8)


def test_videos_that_failed_in_any_process_count_once_in_all(clips, tmp_path):
    assert run_two(failed_in_one_of_two, tmp_path, clips) == [2, 2]


@pytest.mark.parametrize('fraction', [-0.1, 1.5])
def test_a_fraction_outside_0_to_1_is_an_error(fraction):
    with pytest.raises(ConfigError, match='max_fraction'):
        CorruptVideoHook(fraction)
