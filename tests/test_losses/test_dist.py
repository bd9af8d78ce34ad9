"""DIST against numpy's correlation."""

import numpy as np
import pytest
import torch
from steps import array, check_gradients, softmax, three_models

from mmdualkd.errors import ConfigError
from mmdualkd.losses import DIST, Step
from mmdualkd.outputs import Outputs


@pytest.mark.parametrize('samples, classes', [(3, 3), (5, 7), (8, 100)])
@pytest.mark.parametrize('source, target', [('vit', 'student'), ('assistant', 'student')])
@pytest.mark.parametrize('beta, gamma, tau', [(1.0, 1.0, 1.0), (2.0, 0.0, 4.0), (0.0, 3.0, 2.0)])
def test_dist_equals_numpys_correlations(samples, classes, source, target, beta, gamma, tau):
    step = three_models(samples, classes)
    p, q = (softmax(array(step.of(name).logits) / tau) for name in (source, target))
    over_classes = np.mean([1 - np.corrcoef(a, b)[0, 1] for a, b in zip(p, q, strict=True)])
    over_batch = np.mean([1 - np.corrcoef(a, b)[0, 1] for a, b in zip(p.T, q.T, strict=True)])
    expected = tau**2 * (beta * over_classes + gamma * over_batch)
    np.testing.assert_allclose(DIST(source, target, beta, gamma, tau)(step).item(), expected, rtol=1e-9)


def test_dist_gradients_are_those_of_finite_differences_for_both_models():
    check_gradients(DIST('assistant'), three_models(3, 4))


@pytest.mark.parametrize('tau', [1.0, 4.0, 1000.0])
@pytest.mark.parametrize('samples, scale', [(1, 2.0), (5, 2.0), (5, 1e-3), (5, 0.0)])
def test_dist_is_zero_for_the_same_predictions(tau, samples, scale):
    step = three_models(samples, scale=scale)
    step.student.logits.data.copy_(step.teachers['vit'].logits)
    loss = DIST('vit', tau=tau)(step)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert step.student.logits.grad.norm() < 1e-9


@pytest.mark.parametrize('samples, expected', [(1, 0.5), (4, 1.0)])  # one half for each way that the teacher varies
def test_a_new_head_of_zeros_gets_gradients_with_a_bound(samples, expected):
    step = three_models(samples, 10)
    student = torch.zeros(samples, 10, requires_grad=True)
    teacher = Outputs(step.teachers['vit'].logits.float(), None, None)
    loss = DIST('vit')(Step(Outputs(student, None, None), dict(vit=teacher), step.labels))
    loss.backward()
    assert loss.item() == pytest.approx(expected, abs=1e-4)
    assert 0 < student.grad.norm() < 200


def test_classes_that_nobody_predicts_leave_the_loss_finite_in_float32():
    student = torch.tensor([[0.0, 300.0, 0.0], [300.0, 0.0, 0.0]], requires_grad=True)
    teacher = Outputs(torch.tensor([[0.0, 200.0, 0.0], [200.0, 0.0, 0.0]]), None, None)
    loss = DIST('t')(Step(Outputs(student, None, None), dict(t=teacher), torch.eye(3)[:2]))
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(student.grad).all()


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda: DIST('vit', gamma=-1), 'gamma must not be negative, got -1'),
        (lambda: DIST('vit', tau=0), 'tau must be positive, got 0'),
    ],
)
def test_wrong_arguments_are_one_clear_error(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
