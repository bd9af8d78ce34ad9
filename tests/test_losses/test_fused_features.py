"""Features of several teachers, weighed sample by sample."""

import numpy as np
import pytest
import torch
from steps import array, of_grids, prepared, softmax

from mmdualkd.errors import ConfigError
from mmdualkd.grids import pool_grid
from mmdualkd.losses import FusedFeatures, Step
from mmdualkd.outputs import Outputs


def ca_mkd(step, names):
    """CA-MKD's weights, (K, N)."""
    losses = np.array(
        [-(array(step.labels) * np.log(softmax(array(step.teachers[name].logits)))).sum(1) for name in names]
    )
    return (1 - softmax(losses.T).T) / (len(names) - 1)


@pytest.mark.parametrize('grid', [None, (1, 1, 1)])
def test_it_equals_its_formula_and_logs_its_weights(grid):
    step = of_grids()
    term = prepared(FusedFeatures(grid=grid), step)
    names = ('vit', 'cnn')
    weights = ca_mkd(step, names)
    total = 0.0
    for k, name in enumerate(names):
        size = term.grids[name][0]
        student, teacher = (array(pool_grid(model.grid, size)) for model in (step.student, step.teachers[name]))
        connector = term.connectors[name]
        mapped = np.einsum('dc,ncthw->ndthw', array(connector.weight)[..., 0, 0, 0], student)
        mapped += array(connector.bias)[:, None, None, None]
        total += sum(weights[k, i] * ((mapped[i] - teacher[i]) ** 2).mean() for i in range(5)) / 5
    np.testing.assert_allclose(term(step).item(), total, rtol=1e-9)
    np.testing.assert_allclose(step.log['term/weight_cnn'].item(), weights[1].mean(), rtol=1e-9)


def test_cells_are_compared_at_the_moments_that_student_and_teacher_both_see():
    step = of_grids(sizes=((4, 3, 3),) * 3, windows=((0.0, 0.5), (0.0, 1.0), (0.25, 0.75)))
    term = prepared(FusedFeatures(weighting=dict(type='Uniform')), step)
    student, vit, cnn = (model.grid for model in (step.student, *step.teachers.values()))
    pairs = dict(vit=((student[:, :, ::2] + student[:, :, 1::2]) / 2, vit[:, :, :2]))
    pairs['cnn'] = student[:, :, 2:], cnn[:, :, :2]
    losses = [(term.connectors[name](ours) - theirs).square().mean() for name, (ours, theirs) in pairs.items()]
    torch.testing.assert_close(term(step), sum(losses) / 2)


def test_its_gradients_are_those_of_finite_differences():
    step = of_grids(samples=2, sizes=((1, 2, 1),) * 3)
    term = prepared(FusedFeatures(), step)
    value = lambda grid: term(Step(Outputs(step.student.logits, None, grid), step.teachers, step.labels))  # noqa: E731
    assert torch.autograd.gradcheck(value, step.student.grid)


def test_one_teacher_is_fitnets_whatever_the_weighting():
    step = of_grids()
    term = prepared(FusedFeatures(teachers=['cnn']), step)
    assert list(term.connectors) == ['cnn']
    cells = pool_grid(step.student.grid, term.grids['cnn'][0]), step.teachers['cnn'].cells(term.grids['cnn'][0])
    torch.testing.assert_close(term(step), (term.connectors['cnn'](cells[0]) - cells[1]).square().mean())


def test_what_is_no_weighting_and_a_wrong_grid_are_one_clear_error():
    with pytest.raises(ConfigError, match="^weighting.type='RSD' is no weighting"):
        FusedFeatures(weighting=dict(type='RSD', source='vit'))
    with pytest.raises(ConfigError, match=r'model.terms.term.grid=\(9, 1, 1\) is finer than the finest'):
        prepared(FusedFeatures(grid=(9, 1, 1)), of_grids())
