"""What the terms that compare two models cell by cell share."""

import pytest
from steps import of_grids, prepared

from mmdualkd.losses import AT, SP, FitNets


@pytest.mark.parametrize('detach', [False, True])
@pytest.mark.parametrize('make', [AT, SP, FitNets])
def test_a_source_that_trains_gets_a_gradient_unless_it_is_detached(make, detach):
    step = of_grids()
    step.assistant = step.teachers.pop('vit')
    step.assistant.grid.requires_grad_()
    prepared(make('assistant', detach_source=detach), step)(step).backward()
    assert step.student.grid.grad.abs().sum() > 0
    assert (step.assistant.grid.grad is None) == detach


def test_a_time_of_whole_cells_is_not_one_short_by_rounding():
    assert 10 * (0.7 - 0.2) < 5
    step = of_grids(sizes=((10, 1, 1), (5, 1, 1), (5, 1, 1)), windows=((0, 1), (0.2, 0.7), (0.2, 0.7)))
    assert prepared(FitNets('vit'), step).grid == (5, 1, 1)
