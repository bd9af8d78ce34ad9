"""Training that leaves the finite numbers ends before it is saved, and says where it began."""

import re

import pytest
import tiny
import torch
from helpers import write_clips
from mmengine.hooks import CheckpointHook, Hook, LoggerHook
from mmengine.registry import HOOKS as HOOK_REGISTRY
from seeded_job import runner
from two_processes import run_two

from mmdualkd.errors import DivergenceError
from mmdualkd.hooks.check_finite import _losses, not_finite_outputs

HOOKS = [dict(type='mmdualkd.CheckFiniteHook')]


@pytest.fixture(scope='module')
def annotation(tmp_path_factory):
    return write_clips(tmp_path_factory.mktemp('clips'))


def spoil(job, iteration):
    """Puts NaN into the log of one iteration."""
    train_step = job.model.train_step

    def spoiled(data, optim_wrapper):
        log = train_step(data, optim_wrapper=optim_wrapper)
        if job.iter + 1 == iteration:
            log['loss_cls'] = torch.tensor(float('nan'))
        return log

    job.model.train_step = spoiled
    return job


def test_the_loss_the_iteration_and_the_clips_are_named_and_nothing_is_saved(tmp_path, annotation):
    job = spoil(runner(tmp_path, annotation, hooks=HOOKS, max_epochs=3), iteration=3)
    with pytest.raises(DivergenceError) as caught:
        job.train()
    message = str(caught.value)
    assert re.search(r"^iteration 3: loss_cls=nan \(the model's own\); the batch: ", message)
    clips = re.findall(r'class(\d)_(\d)\.avi \(sample (\d)\)', message)
    assert len(clips) == 4 and all(int(number) == 4 * int(label) + int(index) for label, index, number in clips)
    assert f'the last checkpoint is {tmp_path}/epoch_1.pth' in message
    assert f'. python -m mmdualkd replay {tmp_path}/divergence_3.pt runs that step again. ' in message
    assert {path.name for path in tmp_path.glob('*.pth')} == {'epoch_1.pth'}


def test_a_step_waits_for_nothing_that_the_hook_asks(tmp_path, annotation, monkeypatch):
    """Eight clips are two steps an epoch, the log comes every third step of an epoch, so never."""
    job = runner(tmp_path, annotation, hooks=HOOKS, max_epochs=2)
    next(hook for hook in job.hooks if isinstance(hook, LoggerHook)).interval = 3
    hook = next(hook for hook in job.hooks if type(hook).__name__ == 'CheckFiniteHook')
    check, checked, in_step = hook._check, [], []
    monkeypatch.setattr(
        hook, '_check', lambda runner, weights: (checked.append((runner.iter, weights)), check(runner, weights))
    )

    def watch(owner, name):
        method = getattr(owner, name)

        def watched(*args, **kwargs):
            if owner is hook:
                in_step.append(name)
            assert owner is hook or not in_step, f'{in_step[0]} waited for the device: {name}'
            result = method(*args, **kwargs)
            if owner is hook:
                in_step.clear()
            return result

        monkeypatch.setattr(owner, name, watched)

    for name in ('__bool__', '__float__', 'item', 'tolist', 'cpu', 'numpy'):
        watch(torch.Tensor, name)
    for name in ('before_train_iter', 'after_train_iter'):
        watch(hook, name)
    job.train()
    assert checked == [(2, True), (4, True)]  # at the end of each epoch


@HOOK_REGISTRY.register_module(force=True)
class HighRateHook(Hook):
    """Sets a learning rate that no training survives, from the second epoch."""

    def before_train_epoch(self, runner):
        runner.optim_wrapper.param_groups[0]['lr'] = 1e30 if runner.epoch else 0.01


def test_a_learning_rate_that_is_far_too_high_leaves_the_last_good_checkpoint(tmp_path, annotation):
    job = runner(tmp_path, annotation, hooks=[*HOOKS, dict(type='mmengine.HighRateHook')], max_epochs=3)
    saver = next(hook for hook in job.hooks if isinstance(hook, CheckpointHook))
    saver.max_keep_ckpts = 1
    with pytest.raises(DivergenceError, match=r'iteration [34]: '):
        job.train()
    kept = [path for path in tmp_path.glob('*.pth')]
    assert [path.name for path in kept] == ['epoch_1.pth']
    state = torch.load(kept[0], weights_only=True, map_location='cpu')['state_dict']
    assert all(value.isfinite().all() for value in state.values())


def test_weights_that_overflow_after_a_finite_loss_are_named(tmp_path, annotation):
    job = runner(tmp_path, annotation, hooks=HOOKS, max_epochs=1)
    train_step = job.model.train_step

    def overflowing(data, optim_wrapper):
        log = train_step(data, optim_wrapper=optim_wrapper)
        if job.iter + 1 == 2:
            job.model.cls_head.fc_cls.weight.data[0, 0] = float('inf')
        return log

    job.model.train_step = overflowing
    with pytest.raises(DivergenceError, match=r'iteration 2: 1 of \d+ weights are .*\(cls_head.fc_cls.weight\)'):
        job.train()
    assert not list(tmp_path.glob('*.pth'))


@pytest.mark.parametrize('value', ['nan', 'inf', '-inf'])
def test_the_teacher_and_the_term_are_named(tmp_path, value):
    model = tiny.build_distiller(tmp_path)
    data = tiny.batch(model.plan.num_frames)

    def said():
        log = model.parse_losses(tiny.step_losses(model, data))[1]
        losses = {name: float(loss.detach()) for name, loss in log.items() if 'loss' in name}
        return _losses(losses, model) + not_finite_outputs(model)

    assert said() == ''
    model.teachers['vit'].cls_head.fc_cls.bias.data[0] = float(value)
    assert re.fullmatch(
        r'loss_kd=(nan|inf) \(model.terms.kd\)(, loss_sdd=nan \(model.terms.sdd\))?; '  # its head is read
        'outputs that are not finite: model.teachers.vit',
        said(),
    )


def stopped(rank, folder, annotation):
    """What a process that trains says in the end; the second one sees a NaN in the second of the first two steps."""
    job = runner(folder, annotation, hooks=HOOKS, max_epochs=2, launcher='pytorch')
    if rank == 1:
        train_step = job.model.train_step

        def spoiled(data, optim_wrapper):
            log = train_step(data, optim_wrapper=optim_wrapper)
            return {name: value * float('nan') for name, value in log.items()} if job.iter == 1 else log

        job.model.train_step = spoiled
    try:
        job.train()
    except DivergenceError as error:
        return str(error)


def test_all_processes_stop_where_one_sees_it(tmp_path, annotation):
    messages = run_two(stopped, tmp_path, tmp_path, annotation)
    for message in messages:
        assert re.match(r"iteration 2: loss_cls=nan \(the model's own\); the batch: .*avi", message), message
    assert messages[0] == messages[1]
    assert {path.name for path in tmp_path.glob('*.pt')} == {'divergence_2_rank1.pt'}
    assert {path.name for path in tmp_path.glob('*.pth')} == {'epoch_1.pth'}


@pytest.mark.parametrize('val_interval', [1000, 3], ids=['without', 'with a validation'])
def test_an_iteration_based_run_saves_and_scores_no_weights_that_are_not_finite(tmp_path, annotation, val_interval):
    """A running statistic that no loss in training shows."""
    job = runner(tmp_path, annotation, hooks=HOOKS, max_iters=8, every=4, sampler='InfiniteSampler')
    job.cfg.train_cfg.val_interval = job._train_loop['val_interval'] = val_interval
    train_step, scored = job.model.train_step, []

    def spoiled(data, optim_wrapper):
        log = train_step(data, optim_wrapper=optim_wrapper)
        if job.iter + 1 == 2:
            job.model.backbone.conv1.bn.running_var[0] = float('nan')
        return log

    job.model.train_step = spoiled
    job.model.val_step = lambda data: scored.append(data)
    when = 'iteration 2: 1 of .* after the step ' if val_interval == 3 else 'iteration 4: 1 of .* since the last look '
    with pytest.raises(DivergenceError, match=f'{when}.*running_var'):
        job.train()
    assert not list(tmp_path.glob('*.pth')) and not scored
