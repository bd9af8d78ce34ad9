"""Views that repeat: a sample's draws are functions of (view seed, sample, view) alone."""

import itertools
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from helpers import write_clips
from mmengine.dataset import (
    ClassBalancedDataset,
    ConcatDataset,
    DefaultSampler,
    InfiniteSampler,
    RepeatDataset,
    pseudo_collate,
)
from mmengine.runner import Runner
from seeded_job import TRAIN_PIPELINE
from torch.utils.data import DataLoader

from mmdualkd.datasets import CustomDataset, VideoDataset
from mmdualkd.datasets.visits import CountingSampler
from mmdualkd.errors import ConfigError
from mmdualkd.hooks import EpochSeedHook

VIEWS = 3


@pytest.fixture
def clips(tmp_path):
    return write_clips(tmp_path / 'clips')


def videos(clips, **kwargs):
    return VideoDataset(str(clips), TRAIN_PIPELINE, data_prefix=dict(video=str(clips.parent)), **kwargs)


def view_table(clips, **kwargs):
    """Bytes of each (sample, view), and which sample and view they are of."""
    dataset, table = videos(clips, num_views=VIEWS, **kwargs), {}
    for view in range(VIEWS):
        dataset.set_clock(0, view)
        for index in range(len(dataset)):
            table[dataset[index]['inputs'].numpy().tobytes()] = index, view
    assert len(table) == VIEWS * len(dataset)  # each drawn by itself
    return table


def epoch(dataset, number, seed=0, sampler=None, workers=0, batches=None):
    """What training sees in one epoch, or of an endless sampler in its first batches."""
    sampler = sampler or DefaultSampler(dataset, seed=seed)
    loader = DataLoader(dataset, 2, sampler=sampler, num_workers=workers, collate_fn=pseudo_collate)
    hook, job = EpochSeedHook(), SimpleNamespace(seed=seed, epoch=number, train_dataloader=loader, train_loop=None)
    hook.before_train(job)
    hook.before_train_epoch(job)
    return [clip.numpy().tobytes() for batch in itertools.islice(loader, batches) for clip in batch['inputs']]


def test_epoch_e_shows_each_sample_in_view_e_mod_k_whatever_seed_order_and_workers(clips):
    table = view_table(clips)
    for number, seed, workers in ((0, 0, 0), (1, 5, 1), (2, 7, 0), (3, 1, 2), (7, 0, 0)):
        seen = [table[clip] for clip in epoch(videos(clips, num_views=VIEWS), number, seed, workers=workers)]
        assert sorted(seen) == [(index, number % VIEWS) for index in range(8)]


def test_epochs_that_are_cut_to_a_number_of_batches_show_the_same_views(clips):
    table, loader = view_table(clips), dict(batch_size=2, num_workers=0, num_batch_per_epoch=2)
    loader.update(sampler=dict(type='DefaultSampler', shuffle=False))
    dataset = Runner.build_dataloader(dict(dataset=videos(clips, num_views=VIEWS), **loader)).dataset
    for number in (0, 1):
        assert sorted(table[clip] for clip in epoch(dataset, number)) == [(index, number) for index in range(4)]


def test_another_view_seed_gives_other_views(clips):
    assert not set(view_table(clips)) & set(view_table(clips, view_seed=1))


def test_one_view_is_the_same_clip_in_every_epoch(clips):
    dataset = videos(clips, num_views=1)
    assert sorted(epoch(dataset, 0)) == sorted(epoch(dataset, 5))


def balanced(dataset):
    dataset.get_cat_ids = lambda index: [dataset.get_data_info(index)['label']]
    return ClassBalancedDataset(dataset, oversample_thr=2.0)  # each class makes up a half: twice each sample


def nested(dataset):
    repeated = RepeatDataset(dataset, times=2, lazy_init=True)
    repeated.dataset = ConcatDataset([dataset])  # as a config builds it
    repeated.full_init()
    return repeated


WRAPPERS = {
    'RepeatDataset': lambda dataset: RepeatDataset(dataset, times=2),
    'ClassBalancedDataset': balanced,
    'RepeatDataset of ConcatDataset': nested,
}


@pytest.mark.parametrize('kind', WRAPPERS)
def test_wrappers_that_repeat_a_sample_go_on_through_its_views(clips, kind):
    table = view_table(clips)
    for number in range(3):
        seen = [table[clip] for clip in epoch(WRAPPERS[kind](videos(clips, num_views=VIEWS)), number)]
        views = {(2 * number + repetition) % VIEWS for repetition in range(2)}
        assert sorted(seen) == [(index, view) for index in range(8) for view in sorted(views)]


def test_a_loop_without_epochs_goes_on_through_the_views_pass_by_pass(clips):
    table = view_table(clips)
    dataset = videos(clips, num_views=VIEWS)
    seen = [table[clip] for clip in epoch(dataset, 0, sampler=InfiniteSampler(dataset, seed=0), batches=16)]
    for number in range(4):
        of_pass = sorted(seen[8 * number : 8 * number + 8])
        assert of_pass == [(index, number % VIEWS) for index in range(8)]


def test_processes_that_deal_out_endless_passes_agree_on_the_pass():
    samplers = [InfiniteSampler(range(5), seed=0) for _ in range(2)]
    for rank, sampler in enumerate(samplers):
        sampler.rank, sampler.world_size = rank, 2
        sampler.indices = sampler._indices_of_rank()
    streams = [iter(CountingSampler(sampler)) for sampler in samplers]
    dealt = [next(streams[place % 2]) for place in range(20)]
    for number in range(4):
        of_pass = dealt[5 * number : 5 * number + 5]
        assert sorted(of_pass) == list(range(5))
        assert {index.count for index in of_pass} == {number}


def test_a_sampler_that_begins_again_counts_its_passes():
    sampler = CountingSampler([0, 1, 1])
    assert [index.count for index in sampler] == [0, 0, 1]
    assert [index.count for index in sampler] == [1, 1, 2]


def test_what_stands_in_for_a_broken_video_is_a_view_of_it_too(clips):
    (clips.parent / 'class0_1.avi').write_bytes(b'')
    first, later = ([clip for clip in epoch(videos(clips, num_views=2), number)] for number in (0, 2))
    assert first == later
    assert first != epoch(videos(clips, num_views=2), 1)


def test_pictures_have_views_too(tmp_path):
    for index in range(2):
        (tmp_path / f'{index}').mkdir()
        cv2.imwrite(str(tmp_path / f'{index}' / 'a.png'), np.random.default_rng(index).integers(0, 255, (32, 32, 3)))
    pipeline = [dict(type='LoadImageFromFile'), dict(type='RandomCrop', crop_size=16), dict(type='PackInputs')]
    dataset = CustomDataset(data_root=str(tmp_path), pipeline=pipeline, num_views=2)

    def draw(number, seed):
        dataset.set_clock(seed, number)
        return dataset[0]['inputs']

    assert torch.equal(draw(0, 3), draw(4, 5))
    assert not torch.equal(draw(0, 3), draw(1, 3))


@pytest.mark.parametrize(
    ('key', 'value'),
    [('num_views', 0), ('num_views', 2.0), ('num_views', True), ('view_seed', -1), ('view_seed', None)],
)
def test_a_wrong_number_is_an_error_that_names_the_key(clips, key, value):
    with pytest.raises(ConfigError, match=f'dataset.{key} must be .*, got {value}'):
        videos(clips, **{key: value})


def test_workers_of_a_part_of_a_data_set_hear_of_the_next_epoch(clips):
    part, seen = videos(clips).get_subset([1, 2, 5]), []
    loader = DataLoader(part, 3, num_workers=1, collate_fn=pseudo_collate, persistent_workers=True)
    for number in range(2):
        part.set_clock(0, number)
        seen += [clip.numpy().tobytes() for batch in loader for clip in batch['inputs']]
    assert len(set(seen)) == 6 and len(part.flags) == 3
