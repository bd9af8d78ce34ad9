"""A training that reads its teachers from a cache equals one that runs them."""

import pytest
import torch
from cache_jobs import TWO, error_of, leaf, losses_of, same_weights, train, weights_of, write_cache
from helpers import TOOLS, run
from mmengine.config import Config
from mmengine.registry import MODELS

from mmdualkd.teachers.cached import CachedTeacher

ENDLESS = """
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=4)
train_dataloader = dict(sampler=dict(type='InfiniteSampler'))
default_hooks = dict(checkpoint=dict(by_epoch=False))
param_scheduler = [dict(type='MultiStepLR', milestones=[100], by_epoch=False)]
"""


@pytest.fixture(scope='module')
def online(job):
    """A run with its teachers on the same two views."""
    train(job, job.work_dir / 'online', TWO)
    return job.work_dir / 'online'


def test_at_equal_batches_it_is_the_online_run_bit_for_bit(job, cache, online, tmp_path):
    output = train(job, tmp_path, f'model.teacher_cache={cache}')
    assert losses_of(tmp_path) == losses_of(online)
    assert same_weights(tmp_path, online)
    assert 'tensors loaded' not in output  # no teacher's weights


def test_a_training_that_decodes_videos_once_reads_it_and_is_the_online_run(job, cache, online, tmp_path):
    opening, folder = 'train_dataloader.dataset.pipeline.0', tmp_path / 'frames'
    keep = f'{opening}.type=mmdualkd.DecordInit', f'{opening}.keep_in={folder}', f'{opening}.keep_gb=1.0'
    train(job, tmp_path / 'online', TWO, *keep)
    train(job, tmp_path / 'cached', f'model.teacher_cache={cache}', *keep)
    for name in ('online', 'cached'):
        assert losses_of(tmp_path / name) == losses_of(online) and same_weights(tmp_path / name, online)
    assert len(list(folder.iterdir())) == 8


def test_trainings_with_fewer_labels_share_it_but_not_those_that_leave_samples_out(job, cache, tmp_path):
    key = 'train_dataloader.dataset'
    few = (f'{key}.labelled_fraction=0.5', f'{key}.label_seed=1')
    train(job, tmp_path / 'cached', f'model.teacher_cache={cache}', *few)
    train(job, tmp_path / 'online', TWO, *few)
    assert same_weights(tmp_path / 'cached', tmp_path / 'online')
    assert not same_weights(tmp_path / 'cached', job.work_dir / 'online')
    error = error_of(job, tmp_path / 'run', f'model.teacher_cache={cache}', *few, f'{key}.unlabelled=drop')
    assert (
        "is of 8 samples, train_dataloader.dataset has 4: with unlabelled='drop' it needs a cache of its own" in error
    )


def test_in_float16_it_is_the_online_run_to_float16s_rounding(job, online, tmp_path):
    output = write_cache(job, tmp_path / 'cache', '--views', 2)
    assert '8 samples x 2 views: 16 records of' in output
    train(job, tmp_path / 'run', f'model.teacher_cache={tmp_path / "cache"}')
    assert losses_of(tmp_path / 'run') == pytest.approx(losses_of(online), rel=2e-3)
    assert not same_weights(tmp_path / 'run', online)
    ours, theirs = weights_of(tmp_path / 'run'), weights_of(online)
    assert max(float((ours[name] - theirs[name]).abs().max()) for name in ours) < 0.02


def test_no_teacher_is_built_and_none_of_their_frames_decoded(job, cache):
    cfg = Config.fromfile(job.config)
    cfg.model.teacher_cache = str(cache)
    model = MODELS.build(cfg.model)
    assert all(isinstance(teacher, CachedTeacher) for teacher in model.teachers.values())
    assert model.decoded.num_frames == 4 < model.plan.num_frames
    assert list(model.views) == ['student']
    with pytest.raises(ValueError, match='the train pipeline gives clips of .* but model.views need'):
        model.loss(torch.zeros(1, 1, 3, model.plan.num_frames, 24, 24), [])


@pytest.mark.parametrize('workers', [0, 2])
def test_a_run_that_was_killed_goes_on_to_the_same_weights(job, cache, online, tmp_path, workers):
    options = [f'model.teacher_cache={cache}', f'train_dataloader.num_workers={workers}']
    train(job, tmp_path, *options, 'custom_hooks.0.kill_after=3', ok=False)
    train(job, tmp_path, *options, 'resume=True')
    assert same_weights(tmp_path, online)


def test_a_run_may_change_from_its_teachers_to_the_cache(job, cache, online, tmp_path):
    train(job, tmp_path, TWO, 'custom_hooks.0.kill_after=3', ok=False)
    train(job, tmp_path, f'model.teacher_cache={cache}', 'resume=True')
    assert same_weights(tmp_path, online)


def test_other_methods_and_seeds_read_the_same_cache(job, cache, tmp_path):
    other = ['model.terms.kd.weight=0.5', 'randomness.seed=3']
    train(job, tmp_path / 'a', *other, TWO)
    train(job, tmp_path / 'b', *other, f'model.teacher_cache={cache}')
    assert same_weights(tmp_path / 'a', tmp_path / 'b')


def test_another_student_reads_the_same_cache(job, cache, tmp_path):
    other = ['model.views.student.clip_len=2', 'model.views.student.frame_interval=3', 'model.terms.kd.type=FusedKD']
    train(job, tmp_path / 'a', *other, TWO)
    train(job, tmp_path / 'b', *other, f'model.teacher_cache={cache}')
    assert same_weights(tmp_path / 'a', tmp_path / 'b')


def test_an_endless_loop_with_iterations_reads_it(job, cache, tmp_path):
    endless = leaf(job, tmp_path, ENDLESS)
    train(endless, tmp_path / 'a', TWO)
    train(endless, tmp_path / 'b', f'model.teacher_cache={cache}')
    assert losses_of(tmp_path / 'a') == losses_of(tmp_path / 'b')


def test_an_order_that_shuffles_changes_no_more_than_rounding(job, cache, tmp_path):
    shuffled = 'train_dataloader.sampler.shuffle=True'
    train(job, tmp_path / 'a', TWO, shuffled)
    train(job, tmp_path / 'b', f'model.teacher_cache={cache}', shuffled)
    assert losses_of(tmp_path / 'a') == pytest.approx(losses_of(tmp_path / 'b'), rel=1e-5)


def test_a_checkpoint_of_the_student_and_a_test_need_no_cache(job, cache, tmp_path):
    train(job, tmp_path, f'model.teacher_cache={cache}')
    options = ['--work-dir', tmp_path / 'test', '--cfg-options', 'model.teacher_cache=nowhere']
    run(TOOLS / 'test.py', job.config, tmp_path / 'epoch_2.pth', *options)
