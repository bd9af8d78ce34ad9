"""What updates of the first weights tell, on a model of one layer."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict

from mmdualkd.checks.rate import check_rate


class Line(BaseModel):
    """y = w x, squared."""

    def __init__(self, first):
        super().__init__()
        self.first, self.weight = first, torch.nn.Parameter(torch.tensor([1.0]))

    def forward(self, inputs, mode='loss', **kwargs):
        if not self.first:
            return dict(loss=(self.weight * inputs).square().sum())
        growth = self.first * (1 + 10 * (1 - self.weight.detach()).abs())  # though the gradient is as small as before
        return dict(loss=(growth + self.weight - self.weight.detach()).sum())


def judged(rate, first=None, **group):
    """What is found of a training whose few steps before have moved the weight, and left a gradient and momentum."""
    model = Line(first)
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9))
    wrapper.optimizer.param_groups[0].update(initial_lr=rate, **group)
    first = [model.weight.detach().clone()]
    model.train_step(dict(inputs=torch.ones(1)), wrapper)
    with torch.no_grad():
        model.weight.fill_(100.0)
    model.weight.grad = torch.tensor([1e6])
    job = SimpleNamespace(
        cfg=Config(dict(train_dataloader=dict(batch_size=1))),
        model=model,
        first_weights=first,
        once=lambda name, build: None,
        training=lambda: SimpleNamespace(optim_wrapper=wrapper),
        weights=lambda: list(model.parameters()),
        batch=lambda split, number: dict(inputs=torch.ones(1)),
    )
    return next(check_rate(job), None), model


def test_updates_begin_from_the_first_weights_at_the_highest_rate_without_what_earlier_steps_left():
    found, model = judged(0.05)
    # w <- w - 0.1 w, then with momentum 0.9
    weight, speed, losses, moved = 1.0, 0.0, [], 0.0
    for _ in range(4):
        losses.append(f'{weight**2:.3g}')
        speed = 0.9 * speed + 2 * weight
        moved = max(moved, 0.05 * speed / weight)
        weight -= 0.05 * speed
    assert found.level == 'fine' and found.text.endswith(f'loss on one batch {", ".join(losses)}')
    assert f'0.05, moves the weights by {moved:.2g} of' in found.text and model.weight.item() == pytest.approx(weight)


def test_the_highest_rate_is_that_of_a_schedule_that_sets_it():
    found, _ = judged(1e-6, max_lr=0.05)
    assert 'at the highest rate, 0.05, ' in found.text


@pytest.mark.parametrize(
    ('rate', 'level', 'text'),
    [
        (1e-12, 'error', 'nothing is learned'),
        (5.0, 'error', 'by far'),
    ],
)
def test_what_moves_weights_by_nothing_or_by_more_than_themselves_is_an_error(rate, level, text):
    found, _ = judged(rate)
    assert found.level == level and text in found.text


def test_a_loss_that_grows_fivefold_is_a_warning():
    for first, level in (
        (1.0, 'warning'),
        (0.1, 'fine'),
    ):  # as high as 7 times; from 0.1 to 0.7 is below where most begin
        found, _ = judged(0.1, first)
        assert found.level == level and ('the loss on one batch grows' in found.text) == (level == 'warning')


def test_several_optimizers_are_not_judged():
    part = OptimWrapper(torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0))
    runner = SimpleNamespace(optim_wrapper=OptimWrapperDict(one=part))
    assert not list(check_rate(SimpleNamespace(once=lambda name, build: None, training=lambda: runner)))
