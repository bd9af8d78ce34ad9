"""DKD against an independent float64 formula."""

import numpy as np
import pytest
import torch
from steps import array, check_gradients, softmax, three_models

from mmdualkd.errors import ConfigError
from mmdualkd.losses import DKD, Step
from mmdualkd.losses.logits import soft_kl
from mmdualkd.outputs import Outputs


def formula(source, target, labels, alpha, beta, tau):
    """Loops over the samples, in probabilities."""
    p, q = softmax(source / tau), softmax(target / tau)
    total = 0.0
    for a, b, label in zip(p, q, labels.argmax(-1), strict=True):
        pair_a, pair_b = np.array([a[label], 1 - a[label]]), np.array([b[label], 1 - b[label]])
        rest_a, rest_b = np.delete(a, label) / (1 - a[label]), np.delete(b, label) / (1 - b[label])
        total += alpha * (pair_a * np.log(pair_a / pair_b)).sum() + beta * (rest_a * np.log(rest_a / rest_b)).sum()
    return tau**2 * total / len(p)


@pytest.mark.parametrize('samples, classes', [(1, 2), (5, 7), (8, 100)])
@pytest.mark.parametrize('source, target', [('vit', 'student'), ('assistant', 'student')])
@pytest.mark.parametrize('alpha, beta, tau', [(1.0, 8.0, 4.0), (0.0, 1.0, 1.0), (2.0, 0.0, 2.0)])
def test_dkd_equals_its_formula(samples, classes, source, target, alpha, beta, tau):
    step = three_models(samples, classes)
    logits = array(step.of(source).logits), array(step.of(target).logits)
    expected = formula(*logits, array(step.labels), alpha, beta, tau)
    np.testing.assert_allclose(DKD(source, target, alpha, beta, tau)(step).item(), expected, rtol=1e-8, atol=1e-12)


def test_soft_labels_count_as_their_largest_share():
    step = three_models()
    mixed = Step(step.student, step.teachers, 0.6 * step.labels + 0.4 * step.labels.roll(1, dims=1))
    torch.testing.assert_close(DKD('vit')(mixed), DKD('vit')(step))


def test_beta_of_the_sources_rest_makes_it_plain_kd():
    """KL(p || q) = KL of the label's part + (1 - p_y) KL of the rest (Eq. 5 of the paper), sample by sample."""
    step = three_models(samples=1)
    rest = 1 - softmax(array(step.teachers['vit'].logits) / 4)[0, array(step.labels).argmax()]
    kd = soft_kl(step.teachers['vit'].logits, step.student.logits, tau=4.0)
    torch.testing.assert_close(DKD('vit', beta=float(rest))(step), kd)


def test_dkd_gradients_are_those_of_finite_differences_for_both_models():
    check_gradients(DKD('assistant'), three_models(3, 4))


def test_sure_predictions_give_finite_losses_and_gradients_in_float32():
    student = torch.tensor([[300.0, -300.0, 0.0]], requires_grad=True)
    teacher = torch.tensor([[-300.0, 300.0, 0.0]])
    step = Step(Outputs(student, None, None), dict(t=Outputs(teacher, None, None)), torch.tensor([[1.0, 0, 0]]))
    loss = DKD('t', tau=1.0)(step)
    loss.backward()
    # The label's part: 0 log 0 - log(1 - p_y) = 300; the rest: all on the second class, which has -300.
    assert loss.item() == pytest.approx(300 + 8 * 300)
    assert torch.isfinite(student.grad).all()


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda: DKD('vit', alpha=-1), 'alpha must not be negative, got -1'),
        (lambda: DKD('vit', tau=0), 'tau must be positive, got 0'),
    ],
)
def test_wrong_arguments_are_one_clear_error(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
