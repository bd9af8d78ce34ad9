"""How FusedKD weighs, standardises and fuses teachers (its formula: ``test_losses.py``)."""

import numpy as np
import pytest
import torch
from steps import array, softmax, three_models

from mmdualkd.errors import ConfigError
from mmdualkd.losses import FusedKD, Step
from mmdualkd.losses.logits import FLATTEST, standardise
from mmdualkd.outputs import Outputs


def two_teachers(samples=5, classes=7):
    """A step with a second teacher, whose logits are ten times as large."""
    step = three_models(samples, classes)
    loud = three_models(samples, classes, seed=1, scale=20.0).teachers['vit']
    return Step(step.student, dict(vit=step.teachers['vit'], cnn=loud), step.labels)


def test_standardised_teachers_are_fused_with_the_weights_of_the_raw_ones():
    step = two_teachers()
    term = FusedKD(standardise_teachers=True)
    term.name = 'kd'
    raw = torch.stack([step.teachers[name].logits for name in ('vit', 'cnn')])
    weights = array(term.weighting(raw, step.student.logits, step.labels))
    values = array(raw)
    even = (values - values.mean(-1, keepdims=True)) / values.std(-1, keepdims=True)
    target = softmax((weights[..., None] * even).sum(0) / 4)
    learned = softmax(array(step.student.logits) / 4)
    expected = 16 * (target * np.log(target / learned)).sum() / len(target)
    np.testing.assert_allclose(term(step).item(), expected, rtol=1e-9)
    np.testing.assert_allclose(step.log['kd/weight_vit'].item(), weights[0].mean(), rtol=1e-9)
    even_weights = array(term.weighting(torch.tensor(even), step.student.logits, step.labels))
    assert abs(even_weights - weights).max() > 0.05  # else the test could not tell


@pytest.mark.parametrize('scale', [1e-2, 1.0, 300.0])
def test_logits_of_any_usual_size_are_standardised_exactly(scale):
    logits = np.random.default_rng(0).normal(size=(4, 9)) * scale + 5
    expected = (logits - logits.mean(-1, keepdims=True)) / logits.std(-1, keepdims=True)
    np.testing.assert_allclose(standardise(torch.tensor(logits)), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize('scale', [0.0, 1e-12, 1e-5])
def test_a_head_that_hardly_varies_gets_gradients_with_a_bound(scale):
    step = two_teachers()
    student = (torch.randn(5, 7, generator=torch.Generator().manual_seed(0)) * scale + 0.3).requires_grad_()
    teachers = {name: Outputs(teacher.logits.float(), None, None) for name, teacher in step.teachers.items()}
    loss = FusedKD(standardise_logits=True)(Step(Outputs(student, None, None), teachers, step.labels))
    loss.backward()
    # Of tau^2 KL by the standardised logits: tau |p - q| / N for each row, and |p - q| is at most the root of 2.
    assert 0 < student.grad.norm() <= 4 * np.sqrt(2) / FLATTEST


def test_standardised_logits_have_the_gradients_of_finite_differences():
    logits = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(standardise, logits)


@pytest.mark.parametrize('teachers', ['vit', ['vit', 'vit']])
def test_teachers_that_are_no_list_of_names_are_one_clear_error(teachers):
    with pytest.raises(ConfigError, match='teachers must be a list of names, each once, got'):
        FusedKD(teachers=teachers)
