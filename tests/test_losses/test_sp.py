"""SP against a loop over pairs of samples in numpy."""

import numpy as np
import pytest
import torch
from steps import array, of_grids, prepared

from mmdualkd.grids import pool_grid
from mmdualkd.losses import SP, Step
from mmdualkd.losses.sp import similarities
from mmdualkd.outputs import Outputs


def formula(grid):
    rows = array(grid).reshape(len(grid), -1)
    products = np.array([[a @ b for b in rows] for a in rows])
    return np.array([row / np.sqrt((row**2).sum()) for row in products])


@pytest.mark.parametrize('samples', [1, 2, 5])
@pytest.mark.parametrize('grid', [None, (1, 1, 1)])
def test_sp_equals_its_formula(samples, grid):
    step = of_grids(samples)
    term = prepared(SP('cnn', grid=grid), step)
    ours, theirs = (formula(pool_grid(model.grid, term.grid)) for model in (step.student, step.teachers['cnn']))
    expected = ((ours - theirs) ** 2).sum() / samples**2
    np.testing.assert_allclose(term(step).item(), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize('scale', [1e-2, 1.0, 1e3])
def test_sp_gradients_are_those_of_finite_differences_at_any_usual_size(scale):
    rows = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * scale
    assert torch.autograd.gradcheck(similarities, rows.requires_grad_(), eps=1e-6 * scale, atol=1e-5 / scale)


ROWS = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
DEGENERATE = dict(
    zeros=torch.zeros(6, 8), a_zero_row=ROWS * torch.tensor([0.0, 1, 1, 1, 1, 1])[:, None], equal=ROWS[:1].repeat(6, 1),
    tiny=ROWS * 1e-12, large=ROWS * 1e6,
)  # fmt: skip


@pytest.mark.parametrize('name', DEGENERATE)
def test_rows_that_vanish_or_meet_get_gradients_with_a_bound(name):
    rows = DEGENERATE[name].clone().requires_grad_()
    step = Step(
        Outputs(None, None, rows[..., None, None, None]), dict(t=Outputs(None, None, ROWS[..., None, None, None])), None
    )
    loss = prepared(SP('t'), step)(step)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(rows.grad).all()
    size = float(rows.detach().square().sum(1).mean().sqrt())
    assert rows.grad.norm() * max(size, 1e-4) < 1e4
