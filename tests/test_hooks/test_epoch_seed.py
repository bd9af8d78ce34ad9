"""Resumed runs end as unbroken ones do, whatever the number of workers."""

import itertools
import time
from collections import Counter
from types import SimpleNamespace

import pytest
import torch
from helpers import write_clips
from mmengine.dataset import ClassBalancedDataset, DefaultSampler, InfiniteSampler, RepeatDataset, pseudo_collate
from mmpretrain.datasets.samplers import RepeatAugSampler
from seeded_job import TRAIN_PIPELINE, runner
from torch.utils.data import DataLoader
from two_processes import run_two

from mmdualkd.datasets import VideoDataset
from mmdualkd.hooks import EpochSeedHook
from mmdualkd.hooks.epoch_seed import count_visits

HOOKS = [dict(type='mmdualkd.EpochSeedHook')]


@pytest.fixture
def clips(tmp_path):
    return write_clips(tmp_path / 'clips')


def weights(job):
    return {name: value.clone() for name, value in job.model.state_dict().items()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def train(folder, clips, **kwargs):
    job = runner(folder, clips, hooks=HOOKS, dropout=0.5, **kwargs)
    job.train()
    return weights(job)


@pytest.mark.parametrize('randomness', [dict(seed=3), dict(seed=None)], ids=['given seed', 'drawn seed'])
def test_a_run_stopped_after_an_epoch_and_resumed_ends_bit_for_bit_as_an_unbroken_one(clips, tmp_path, randomness):
    whole = train(tmp_path / 'job', clips, max_epochs=3, randomness=randomness)
    for name in ('epoch_2.pth', 'epoch_3.pth'):
        (tmp_path / 'job' / name).unlink()
    (tmp_path / 'job' / 'last_checkpoint').write_text(str(tmp_path / 'job' / 'epoch_1.pth'))
    torch.rand(7)  # another process is in another state
    resumed = train(tmp_path / 'job', clips, max_epochs=3, workers=2, resume=True, randomness=randomness)
    assert same(whole, resumed)


@pytest.mark.parametrize('last', [1, 4], ids=['in the middle', 'after the last batch'])
def test_a_run_stopped_within_an_epoch_and_resumed_ends_bit_for_bit_as_an_unbroken_one(clips, tmp_path, last):
    kwargs = dict(max_epochs=3, by_epoch=False, batch_size=2, randomness=dict(seed=3))
    whole = train(tmp_path / 'job', clips, **kwargs)
    saved = tmp_path / 'job' / f'iter_{4 + last}.pth'  # of the second epoch, of four iterations
    for file in (tmp_path / 'job').glob('iter_*.pth'):
        if file != saved:
            file.unlink()
    (tmp_path / 'job' / 'last_checkpoint').write_text(str(saved))
    resumed = runner(tmp_path / 'job', clips, workers=2, hooks=HOOKS, dropout=0.5, resume=True, **kwargs)
    resumed.train()
    assert (resumed.iter, resumed.epoch) == (12, 3)
    assert same(whole, weights(resumed))


@pytest.mark.parametrize('sampler', ['InfiniteSampler', 'DefaultSampler'])
def test_an_iteration_based_run_stopped_and_resumed_ends_bit_for_bit_as_an_unbroken_one(
    clips, tmp_path, sampler, monkeypatch
):
    monkeypatch.setattr(time, 'sleep', lambda seconds: None)  # MMEngine's, at the end of each pass
    kwargs = dict(max_iters=7, every=3, sampler=sampler, randomness=dict(seed=None))
    whole = train(tmp_path / 'job', clips, **kwargs)
    for name in ('iter_6.pth', 'iter_7.pth'):
        (tmp_path / 'job' / name).unlink()
    (tmp_path / 'job' / 'last_checkpoint').write_text(str(tmp_path / 'job' / 'iter_3.pth'))
    torch.rand(7)
    assert same(whole, train(tmp_path / 'job', clips, workers=2, resume=True, **kwargs))


REPEATED = {
    'RepeatDataset': lambda dataset: RepeatDataset(dataset, times=4),
    'ClassBalancedDataset': lambda dataset: ClassBalancedDataset(dataset, oversample_thr=8.0),
}


@pytest.mark.parametrize('kind', REPEATED)
def test_repeated_data_are_drawn_alike_whatever_the_number_of_workers(clips, kind):
    def epoch(workers):
        data = VideoDataset(str(clips), TRAIN_PIPELINE, data_prefix=dict(video=str(clips.parent)))
        data.get_cat_ids = lambda index: [data.get_data_info(index)['label']]
        repeated = REPEATED[kind](data)
        assert len(repeated) == 32
        loader = DataLoader(
            repeated, 1, sampler=DefaultSampler(repeated, seed=0), num_workers=workers, collate_fn=pseudo_collate
        )
        hook, job = EpochSeedHook(), SimpleNamespace(seed=3, epoch=1, train_dataloader=loader, train_loop=None)
        hook.before_train(job)
        hook.before_train_epoch(job)
        return [batch['inputs'][0] for batch in loader]

    first, *others = [epoch(workers) for workers in (0, 1, 3)]
    assert all(torch.equal(a, b) for other in others for a, b in zip(first, other, strict=True))
    assert len({clip.numpy().tobytes() for clip in first}) > 8  # of eight videos: each repetition is drawn anew


def rank_of_two(rank, store, results):
    torch.distributed.init_process_group('gloo', init_method=f'file://{store}', rank=rank, world_size=2)
    data = list(range(10))
    loader = DataLoader(data, 2, sampler=DefaultSampler(data, seed=7 + rank))
    # as Runner has it with diff_rank_seed, after resuming from a checkpoint of seed 3
    job = SimpleNamespace(seed=3 + rank, epoch=1, iter=5, train_dataloader=loader, train_loop=None)
    hook = EpochSeedHook()
    hook.before_train(job)
    hook.before_train_epoch(job)
    hook.before_train_iter(job, 0)
    results.put((rank, [int(index) for batch in loader for index in batch], torch.rand(1).item()))
    torch.distributed.destroy_process_group()


def test_ranks_of_different_seeds_share_an_epoch_and_draw_their_own_random_numbers(tmp_path):
    fork = torch.multiprocessing.get_context('fork')
    results = fork.SimpleQueue()
    ranks = [fork.Process(target=rank_of_two, args=(rank, tmp_path / 'store', results)) for rank in range(2)]
    for rank in ranks:
        rank.start()
    (_, first, number), (_, second, other) = sorted([results.get(), results.get()])
    for rank in ranks:
        rank.join()
    assert sorted(first + second) == list(range(10))
    assert number != other


@pytest.mark.parametrize('batches, skipped', [(5, 3), (4, 0)])
def test_an_epoch_of_other_batches_than_before_the_stop_begins_again(batches, skipped):
    loader = DataLoader(range(10), 2, sampler=DefaultSampler(range(10), shuffle=False))
    job = SimpleNamespace(seed=3, epoch=1, iter=8, train_dataloader=loader, train_loop=None, _resume=True)
    hook = EpochSeedHook()
    hook.after_load_checkpoint(job, dict(meta=dict(iterations_of_epoch=(3, batches))))
    hook.before_train(job)
    hook.before_train_epoch(job)
    assert [int(index) for batch in loader for index in batch] == list(range(2 * skipped, 10))


class Counts(torch.utils.data.Dataset):
    """Gives each index with what the sampler says of its visit."""

    def __len__(self):
        return 12

    def __getitem__(self, index):
        return int(index), index.count


def visits(rank, kind):
    """What one of two processes draws: 10 passes of an endless sampler, or an epoch of three repeats."""
    sampler = {'InfiniteSampler': InfiniteSampler, 'RepeatAugSampler': RepeatAugSampler}[kind](Counts(), seed=0)
    loader = DataLoader(Counts(), 4, sampler=sampler, collate_fn=list)
    count_visits(loader)
    return [visit for batch in itertools.islice(loader, 15) for visit in batch]


@pytest.mark.parametrize('kind', ['InfiniteSampler', 'RepeatAugSampler'])
def test_visits_of_a_sample_are_told_apart_in_whatever_process_they_are(tmp_path, kind):
    drawn = [visit for part in run_two(visits, tmp_path, kind) for visit in part]
    assert max(Counter(index for index, _ in drawn).values()) == (10 if kind == 'InfiniteSampler' else 3)
    assert len(set(drawn)) == len(drawn)
