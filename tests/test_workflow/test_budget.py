"""--time-budget: all trainings are shortened by one factor."""

from types import SimpleNamespace

import pytest

from mmdualkd.checks.speed import Speed
from mmdualkd.errors import ConfigError
from mmdualkd.workflow import budget
from mmdualkd.workflow.plan import Plan
from mmdualkd.zoo.catalogue import VIDEOS, find_model

LENGTHS = dict(student=30, teachers=20)


@pytest.fixture
def plan(monkeypatch):
    """Two teachers of 100 s an epoch, a student of 50 s; a validation of either takes 10 s."""
    speeds = {
        name: Speed(seconds, 10.0, 1.0, 1.0, 0)
        for name, seconds in {'teachers/vit': 100.0, 'teachers/cnn': 100.0, 'distilled': 50.0}.items()
    }
    monkeypatch.setattr(budget, 'measured', lambda plan, lengths: speeds)
    student = SimpleNamespace(model=find_model('x3d-s', VIDEOS, '--student'))
    return SimpleNamespace(job=SimpleNamespace(processes=1, tested=0, validated=20), student=student)


FIXED = 2 * 20 + 3 * 20 + (4 + 4) * 10 + (4 + 10) * 10  # stages, validations, the student's test of ten clips
WHOLE = 20 * 200 + 30 * 50


@pytest.mark.parametrize(
    ('seconds', 'student', 'teachers'),
    [(FIXED + WHOLE, 30, 20), (10 * WHOLE, 30, 20), (FIXED + WHOLE / 2, 15, 10), (FIXED + 250, 1, 1)],
)
def test_epochs_fill_the_time_and_no_more_than_the_recipe_asks_for(plan, capsys, seconds, student, teachers):
    assert budget.fit_epochs(plan, LENGTHS, seconds) == dict(student=student, teachers=teachers)
    assert 'teachers/vit: 100.0 s an epoch, 10.0 s a validation; 20 epochs by the recipe' in capsys.readouterr().out


def test_a_test_on_more_samples_than_a_validation_takes_its_time(plan):
    plan.job.tested = 60
    assert budget.fit_epochs(plan, LENGTHS, FIXED + 20 * 10 + WHOLE / 2) == dict(student=15, teachers=10)


@pytest.mark.parametrize(('gpus', 'share'), [(True, 4), (False, 1)])
def test_processes_share_the_samples_where_each_has_a_gpu_of_its_own(plan, monkeypatch, gpus, share):
    plan.job.processes = 4
    monkeypatch.setattr(budget.torch.cuda, 'is_available', lambda: gpus)
    stages = 5 * 20
    seconds = stages + (FIXED - stages + WHOLE / 2) / share + 1
    assert budget.fit_epochs(plan, LENGTHS, seconds) == dict(student=15, teachers=10)


def test_a_time_in_which_no_stage_has_an_epoch_is_an_error_that_says_how_long_one_takes(plan):
    with pytest.raises(ConfigError, match='5 min is too short, .* takes 10 min'):
        budget.fit_epochs(plan, LENGTHS, 300.0)


def test_the_speed_is_that_of_the_workers_that_were_asked_for(monkeypatch):
    leaf = dict(model=dict(type='None'), train_dataloader=dict(num_workers=2, batch_size=4))
    plan = Plan(None, None, None, {}, baseline=False, workers=0)
    monkeypatch.setattr(plan, 'trainings', lambda lengths: dict(distilled=leaf))
    monkeypatch.setattr(budget, 'settle', lambda cfg, path: None)
    monkeypatch.setattr(budget, 'measure_speed', lambda cfg, untrained: cfg.train_dataloader)
    loader = budget.measured(plan, LENGTHS)['distilled']
    assert (loader.num_workers, loader.persistent_workers, loader.batch_size) == (0, False, 4)
