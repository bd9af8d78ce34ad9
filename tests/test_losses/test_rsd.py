"""RSD against numpy's correlations."""

import numpy as np
import pytest
import torch
from scipy.special import erf
from steps import array, check_gradients, prepared, three_models

from mmdualkd.errors import ConfigError
from mmdualkd.heads.decoupler import FLATTEST, standardise_rows
from mmdualkd.losses import RSD, Step
from mmdualkd.outputs import Outputs


def projected(projector, rows):
    """Linear, batch normalisation, GELU, linear, with matrices."""
    middle = rows @ array(projector.expand.weight).T
    middle = (middle - middle.mean(0)) / middle.std(0)
    middle = middle * (1 + erf(middle / np.sqrt(2))) / 2
    return middle @ array(projector.adapt.weight).T


@pytest.mark.parametrize('samples', [4, 16])
@pytest.mark.parametrize('off_diagonal, ratio', [(0.01, 2), (1.0, 3)])
def test_rsd_equals_numpys_correlations(samples, off_diagonal, ratio):
    step = three_models(samples)
    term = prepared(RSD('vit', off_diagonal=off_diagonal, ratio=ratio), step)
    assert term.projector.expand.weight.shape == (4 * ratio, 4)
    ours = projected(term.projector, array(step.student.pooled))
    matrix = np.corrcoef(array(step.teachers['vit'].pooled).T, ours.T)[:6, 6:]
    own, others = np.diag(matrix), matrix[~np.eye(6, dtype=bool)]
    expected = ((own - 1) ** 2).sum() + off_diagonal * (others**2).sum()
    np.testing.assert_allclose(term(step).item(), expected, rtol=1e-7)
    np.testing.assert_allclose(step.log['term/correlation'].item(), own.mean(), rtol=1e-7)


def test_rsd_gradients_are_those_of_finite_differences_for_both_models():
    step = three_models(5)
    check_gradients(prepared(RSD('assistant'), step), step, 'pooled', atol=1e-4)


def test_features_that_correlate_one_by_one_leave_nothing():
    rows = torch.linalg.qr(torch.randn(8, 8, dtype=torch.float64)).Q[:, :3]
    rows = torch.linalg.qr(rows - rows.mean(0)).Q
    step = Step(Outputs(None, rows, None), dict(t=Outputs(None, 5 * rows + 2, None)), None)
    term = prepared(RSD('t'), step)
    term.projector = torch.nn.Identity()
    assert term(step).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize('samples', [1, 4])
@pytest.mark.parametrize('scale', [0.0, 1e-12, 1.0])
def test_equal_rows_and_a_batch_of_one_get_gradients_with_a_bound_in_float32(samples, scale):
    pooled = (torch.randn(1, 4) * scale).repeat(samples, 1).requires_grad_()
    teacher = three_models(samples).teachers['vit'].pooled.float()
    step = Step(Outputs(None, pooled, None), dict(t=Outputs(None, teacher, None)), None)
    term = prepared(RSD('t'), step).float()
    loss = term(step)
    loss.backward()
    assert loss.item() == pytest.approx(6, abs=1e-3)  # nothing correlates, width 6
    assert torch.isfinite(pooled.grad).all()
    assert all(torch.isfinite(weight.grad).all() for weight in term.parameters())


def test_rows_are_stretched_to_a_bound():
    rows = torch.tensor([[FLATTEST / 10], [-FLATTEST / 10]])
    torch.testing.assert_close(standardise_rows(rows), rows / FLATTEST)


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(off_diagonal=-1), 'off_diagonal must not be negative, got -1'),
        (dict(ratio=0), 'ratio must be a whole number from 1, got 0'),
        (dict(ratio=1.5), 'ratio must be a whole number from 1, got 1.5'),
    ],
)
def test_wrong_arguments_are_one_clear_error(arguments, message):
    with pytest.raises(ConfigError, match=message):
        RSD('vit', **arguments)
