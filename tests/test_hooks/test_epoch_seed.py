"""Resumed runs end as unbroken ones do, whatever the number of workers."""

import pytest
import torch
from helpers import write_clips
from seeded_job import runner

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


def test_the_number_of_workers_does_not_change_the_weights(clips, tmp_path):
    results = [train(tmp_path / f'{n}', clips, workers=n, randomness=dict(seed=3)) for n in (0, 1, 2)]
    assert same(results[0], results[1])
    assert same(results[0], results[2])
    assert not same(results[0], train(tmp_path / 'other', clips, randomness=dict(seed=4)))


@pytest.mark.parametrize('randomness', [dict(seed=3), dict(seed=None)], ids=['given seed', 'drawn seed'])
def test_a_run_stopped_after_an_epoch_and_resumed_ends_bit_for_bit_as_an_unbroken_one(clips, tmp_path, randomness):
    whole = train(tmp_path / 'job', clips, max_epochs=3, randomness=randomness)
    for name in ('epoch_2.pth', 'epoch_3.pth'):
        (tmp_path / 'job' / name).unlink()
    (tmp_path / 'job' / 'last_checkpoint').write_text(str(tmp_path / 'job' / 'epoch_1.pth'))
    torch.rand(7)  # another process is in another state
    resumed = train(tmp_path / 'job', clips, max_epochs=3, workers=2, resume=True, randomness=randomness)
    assert same(whole, resumed)
