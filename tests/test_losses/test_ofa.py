"""OFA's logit loss against an independent float64 formula."""

import numpy as np
import pytest
import torch
from steps import array, check_gradients, softmax, three_models

from mmdualkd.errors import ConfigError
from mmdualkd.losses import OFA, Step
from mmdualkd.outputs import Outputs

SHAPES = [(1, 2), (5, 7), (8, 100)]
WAYS = [('vit', 'student'), ('vit', 'assistant'), ('assistant', 'student')]


def formula(source, target, labels, gamma, tau):
    """Loops over samples and classes, as the equation reads."""
    p, q = softmax(source / tau), softmax(target / tau)
    total = 0.0
    for i, label in enumerate(labels.argmax(-1)):
        for c in range(p.shape[1]):
            m = float(c == label)
            total -= ((p[i, c] + m) ** gamma - m) * np.log(q[i, c])
    return total / len(p)


@pytest.mark.parametrize('samples, classes', SHAPES)
@pytest.mark.parametrize('source, target', WAYS)
@pytest.mark.parametrize('gamma, tau', [(1.0, 1.0), (1.4, 1.0), (2.0, 3.0)])
def test_ofa_equals_its_formula(samples, classes, source, target, gamma, tau):
    step = three_models(samples, classes)
    expected = formula(array(step.of(source).logits), array(step.of(target).logits), array(step.labels), gamma, tau)
    np.testing.assert_allclose(OFA(source, target, gamma=gamma, tau=tau)(step).item(), expected, rtol=1e-9)


def step_of(target, source, labels):
    target, source, labels = (torch.tensor(value, dtype=torch.float32) for value in (target, source, labels))
    return Step(Outputs(target.requires_grad_(), None, None), dict(t=Outputs(source, None, None)), labels)


def test_ofa_of_one_sample_is_what_one_works_out_by_hand():
    step = step_of([[0.0, 0.0]], [[0.0, 0.0]], [[1.0, 0.0]])
    # ((1/2 + 1)^2 - 1) log 2 + (1/2)^2 log 2
    assert OFA('t', gamma=2.0)(step).item() == pytest.approx(1.5 * np.log(2), rel=1e-6)
    assert OFA('t')(step).item() == pytest.approx(np.log(2), rel=1e-6)


def test_at_gamma_one_the_best_target_is_the_source_itself():
    step = three_models()
    step.student.logits.data.copy_(step.teachers['vit'].logits)
    OFA('vit')(step).backward()
    assert step.student.logits.grad.abs().max() < 1e-12


def test_gamma_above_one_pulls_towards_the_label():
    step = three_models()
    step.student.logits.data.copy_(step.teachers['vit'].logits)
    OFA('vit', gamma=1.5)(step).backward()
    at_label = step.student.logits.grad[step.labels.bool()]
    assert (at_label < 0).all()


def test_soft_labels_count_as_their_largest_share():
    step = three_models()
    hard = OFA('vit', gamma=1.5)(step)
    mixed = Step(step.student, step.teachers, 0.6 * step.labels + 0.4 * step.labels.roll(1, dims=1))
    torch.testing.assert_close(OFA('vit', gamma=1.5)(mixed), hard)


@pytest.mark.parametrize('gamma', [1.0, 1.3])
def test_ofa_gradients_are_those_of_finite_differences_for_both_models(gamma):
    check_gradients(OFA('assistant', gamma=gamma, tau=2.0), three_models(3, 4))


def test_gradients_reach_the_source_unless_it_is_detached():
    step = three_models()
    OFA('assistant')(step).backward()
    assert step.assistant.logits.grad.abs().sum() > 0 and step.student.logits.grad.abs().sum() > 0
    step = three_models()
    OFA('assistant', detach_source=True)(step).backward()
    assert step.assistant.logits.grad is None and step.student.logits.grad.abs().sum() > 0


@pytest.mark.parametrize('gamma', [1.0, 1.5])
def test_logits_of_any_size_give_finite_losses_and_gradients_in_float32(gamma):
    step = step_of([[1e4, -1e4, 0.0]], [[-1e4, 1e4, 0.0]], [[1.0, 0.0, 0.0]])
    source = step.teachers['t'].logits.requires_grad_()
    loss = OFA('t', gamma=gamma)(step)
    loss.backward()
    assert loss.item() == pytest.approx(2e4)
    assert torch.isfinite(step.student.logits.grad).all() and torch.isfinite(source.grad).all()


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda: OFA('vit', gamma=0.9), 'gamma must be at least 1, got 0.9'),
        (lambda: OFA('vit', tau=0), 'tau must be positive, got 0'),
        (lambda: OFA('assistant', 'assistant'), "target must be another model than source, both are 'assistant'"),
        (lambda: OFA('vit', weight=-1), 'weight must not be negative'),
    ],
)
def test_wrong_arguments_are_one_clear_error(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
