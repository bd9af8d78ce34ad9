"""FitNets against a loop over cells in numpy."""

import numpy as np
import pytest
import torch
from steps import array, of_grids, prepared, three_models

from mmdualkd.errors import ConfigError
from mmdualkd.losses import FitNets, Step
from mmdualkd.outputs import Outputs


def averaged(grid, size):
    """Means over the cells of a coarser grid that divides it."""
    n, c, *sides = grid.shape
    split = [part for side, cells in zip(sides, size, strict=True) for part in (cells, side // cells)]
    return grid.reshape(n, c, *split).mean((3, 5, 7))


@pytest.mark.parametrize('grid, size', [(None, (2, 2, 2)), ((1, 1, 1), (1, 1, 1))])
def test_fitnets_equals_its_formula_on_the_common_grid(grid, size):
    step = of_grids(sizes=((4, 4, 2), (2, 2, 6), (1, 1, 1)))
    term = prepared(FitNets('vit', grid=grid), step)
    assert term.grid == size
    student, teacher = (averaged(array(model.grid), size) for model in (step.student, step.teachers['vit']))
    weight, bias = array(term.connector.weight)[:, :, 0, 0, 0], array(term.connector.bias)
    total = 0.0
    for cell in np.ndindex(len(student), *size):
        i, place = cell[0], (slice(None), *cell[1:])
        total += ((weight @ student[i][place] + bias - teacher[i][place]) ** 2).sum()
    np.testing.assert_allclose(term(step).item(), total / teacher.size, rtol=1e-9)


def test_fitnets_gradients_are_those_of_finite_differences_for_features_and_connector():
    step = of_grids(samples=2, sizes=((1, 2, 1),) * 3)
    term = prepared(FitNets('vit'), step)

    def value(grid, weight):
        term.connector.weight.data = weight  # a leaf of its own
        return torch.func.functional_call(
            term, {'connector.weight': weight}, Step(Outputs(None, None, grid), step.teachers, None)
        )

    weight = term.connector.weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(value, (step.student.grid, weight))


def test_an_assistant_may_be_learned_from():
    step = three_models()
    term = prepared(FitNets('assistant'), step)
    term(step).backward()
    assert step.assistant.pooled.grad.any() and step.student.pooled.grad.any()
    assert not FitNets('assistant', detach_source=True).models_trained() & {'assistant'}


@pytest.mark.parametrize('grid, message', [(4, 'grid must be None or three'), ((9, 1, 1), 'is finer than the finest')])
def test_a_wrong_grid_is_one_clear_error(grid, message):
    with pytest.raises(ConfigError, match=message):
        prepared(FitNets('vit', grid=grid), of_grids())
