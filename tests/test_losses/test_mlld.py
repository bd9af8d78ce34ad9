"""MLLD against loops over pairs of samples and of classes."""

import numpy as np
import pytest
import torch
from steps import array, check_gradients, softmax, three_models

from mmdualkd.errors import ConfigError
from mmdualkd.losses import MLLD, Step
from mmdualkd.outputs import Outputs


def formula(source, target, temperatures, alpha, beta, gamma):
    total = 0.0
    for tau in temperatures:
        p, q = softmax(source / tau), softmax(target / tau)
        total += alpha * tau**2 * (p * np.log(p / q)).sum() / len(p)
        for factor, a, b in ((beta, p, q), (gamma, p.T, q.T)):
            gaps = [a[i] @ a[j] - b[i] @ b[j] for i in range(len(a)) for j in range(len(a))]
            total += factor * np.square(gaps).sum() / len(a)
    return total


@pytest.mark.parametrize('samples, classes', [(1, 2), (5, 7)])
@pytest.mark.parametrize('source', ['vit', 'assistant'])
@pytest.mark.parametrize('factors', [(1.0, 1.0, 1.0), (0.0, 2.0, 0.0), (1.0, 0.0, 3.0)])
def test_mlld_equals_its_formula(samples, classes, source, factors):
    step = three_models(samples, classes)
    for temperatures in ((2.0, 3.0, 4.0, 5.0, 6.0), (1.0,)):
        expected = formula(array(step.of(source).logits), array(step.student.logits), temperatures, *factors)
        term = MLLD(source, 'student', temperatures, *factors)
        np.testing.assert_allclose(term(step).item(), expected, rtol=1e-9, atol=1e-15)


def test_mlld_gradients_are_those_of_finite_differences_for_both_models():
    check_gradients(MLLD('assistant'), three_models(3, 4))


def test_sure_predictions_give_finite_losses_and_gradients_in_float32():
    student = torch.tensor([[300.0, -300.0, 0.0]], requires_grad=True)
    step = Step(Outputs(student, None, None), dict(t=Outputs(torch.tensor([[-300.0, 300.0, 0.0]]), None, None)), None)
    loss = MLLD('t')(step)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(student.grad).all()


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(temperatures=4.0), 'temperatures must be a list of positive numbers, got 4.0'),
        (dict(temperatures=[]), 'temperatures must be a list of positive numbers'),
        (dict(temperatures=[1.0, 0]), 'temperatures must be positive, got 0'),
        (dict(gamma=-1), 'gamma must not be negative, got -1'),
    ],
)
def test_wrong_arguments_are_one_clear_error(arguments, message):
    with pytest.raises(ConfigError, match=message):
        MLLD('vit', **arguments)
