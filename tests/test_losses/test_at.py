"""AT against maps built cell by cell in numpy."""

import numpy as np
import pytest
import torch
from steps import array, of_grids, prepared, three_models

from mmdualkd.errors import ConfigError
from mmdualkd.grids import pool_grid
from mmdualkd.losses import AT, Step
from mmdualkd.losses.features import SMALLEST_NORM
from mmdualkd.outputs import Outputs


def maps(grid):
    """Sums of squares of each cell, a row a sample, of unit length."""
    rows = np.array([[(sample[:, t, h, w] ** 2).sum() for t, h, w in np.ndindex(*sample.shape[1:])] for sample in grid])
    return rows / np.sqrt((rows**2).sum(1, keepdims=True))


@pytest.mark.parametrize('grid', [None, (2, 1, 3), (1, 2, 1)])
def test_at_equals_its_formula(grid):
    step = of_grids()
    term = prepared(AT('vit', grid=grid), step)
    ours, theirs = (maps(array(pool_grid(model.grid, term.grid))) for model in (step.student, step.teachers['vit']))
    np.testing.assert_allclose(term(step).item(), ((ours - theirs) ** 2).mean(), rtol=1e-9)


def test_at_is_blind_to_scale_and_to_the_order_of_channels():
    step = of_grids()
    turned = Outputs(None, None, 7 * step.teachers['vit'].grid.flip(1))
    same = Step(turned, step.teachers, step.labels)
    assert prepared(AT('vit'), same)(same).item() == pytest.approx(0, abs=1e-20)


def test_at_gradients_are_those_of_finite_differences():
    step = of_grids(samples=2, sizes=((2, 1, 2),) * 3)
    term = prepared(AT('vit'), step)
    value = lambda grid: term(Step(Outputs(None, None, grid), step.teachers, None))  # noqa: E731
    assert torch.autograd.gradcheck(value, step.student.grid)


@pytest.mark.parametrize('scale', [0.0, 1e-12, 1e-3])
def test_features_next_to_zero_get_gradients_with_a_bound_in_float32(scale):
    step = of_grids()
    grid = (step.student.grid.detach().float() * scale).requires_grad_()
    teacher = Outputs(None, None, torch.zeros(5, 6, 2, 3, 3))
    for vit in (step.teachers['vit'], teacher):
        vit = Outputs(None, None, vit.grid.float())
        small = Step(Outputs(None, None, grid), dict(vit=vit), None)
        loss = prepared(AT('vit'), small)(small)
        loss.backward()
        assert torch.isfinite(loss) and grid.grad.norm() <= 2 / np.sqrt(SMALLEST_NORM)


def test_one_cell_has_no_attention_so_it_is_refused_when_built():
    message = r"model.terms.term \(AT\) compares where models look.*one place.*'vit': \(1, 1, 1\).*FitNets and SP"
    with pytest.raises(ConfigError, match=message):
        prepared(AT('vit'), three_models())
