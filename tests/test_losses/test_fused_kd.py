"""How FusedKD weighs, standardises and fuses teachers (its formula: ``test_losses.py``)."""

import numpy as np
import pytest
import torch
from steps import array, softmax, three_models

from mmdualkd.errors import ConfigError
from mmdualkd.losses import FusedKD, Step
from mmdualkd.losses.logits import FLATTEST, standardise
from mmdualkd.outputs import Outputs


def two_teachers():
    """A step with a second teacher, whose logits are ten times as large."""
    step = three_models()
    loud = three_models(seed=1, scale=20.0).teachers['vit']
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
    with pytest.raises(ConfigError, match=r'teachers must be None \(all\) or a list of names, each once, got'):
        FusedKD(teachers=teachers)


@pytest.mark.parametrize('tau', [1.0, 4.0])
@pytest.mark.parametrize('standardised', [False, True])
def test_fused_probabilities_are_the_weighted_sum_of_predictions(tau, standardised):
    step = two_teachers()
    term = FusedKD(tau=tau, fuse='probabilities', standardise_logits=standardised)
    term.name = 'kd'
    raw = torch.stack([step.teachers[name].logits for name in ('vit', 'cnn')])
    weights = array(term.weighting(raw, step.student.logits, step.labels))
    values = [array(one) for one in (*raw, step.student.logits)]
    if standardised:
        values = [(one - one.mean(-1, keepdims=True)) / one.std(-1, keepdims=True) for one in values]
    p, q = (sum(w[:, None] * softmax(z / t) for w, z in zip(weights, values, strict=False)) for t in (tau, 1.0))
    learned = softmax(values[2] / tau)
    np.testing.assert_allclose(term(step).item(), tau**2 * (p * np.log(p / learned)).sum() / len(p), rtol=1e-9)
    np.testing.assert_allclose(step.log['kd/target_entropy'].item(), -(q * np.log(q)).sum(-1).mean(), rtol=1e-9)


def test_fused_probabilities_have_the_gradient_of_the_weighted_sum_of_losses():
    step = two_teachers()
    term = FusedKD(weighting=dict(type='CAMKD'), fuse='probabilities')
    raw = torch.stack([step.teachers[name].logits for name in ('vit', 'cnn')])
    weights = term.weighting(raw, step.student.logits, step.labels)
    ours = torch.autograd.grad(term(step), step.student.logits)[0]
    log_student = (step.student.logits / 4).log_softmax(-1)
    losses = [((z / 4).softmax(-1) * ((z / 4).log_softmax(-1) - log_student)).sum(-1) for z in raw]
    theirs = torch.autograd.grad(16 * (weights * torch.stack(losses)).sum(0).mean(), step.student.logits)[0]
    torch.testing.assert_close(ours, theirs)


def test_one_teacher_fuses_to_itself_either_way_and_a_sure_one_stays_finite():
    step = two_teachers()
    ways = [FusedKD(fuse=fuse, teachers=['vit'])(step) for fuse in ('logits', 'probabilities')]
    torch.testing.assert_close(*ways)
    sure = torch.tensor([[300.0, -300, 0]])
    student = torch.zeros(1, 3, requires_grad=True)
    teachers = {name: Outputs(sure * sign, None, None) for name, sign in dict(a=1, b=-1).items()}
    loss = FusedKD(fuse='probabilities', weighting=dict(type='CAMKD'), tau=1.0)(
        Step(Outputs(student, None, None), teachers, torch.eye(3)[:1])
    )
    loss.backward()
    assert loss.item() == pytest.approx(np.log(3), rel=1e-6) and torch.isfinite(student.grad).all()


def test_a_wrong_way_to_fuse_and_what_is_no_weighting_are_one_clear_error():
    with pytest.raises(ConfigError, match="fuse='probs' names no way to fuse; did you mean 'probabilities'"):
        FusedKD(fuse='probs')
    with pytest.raises(ConfigError, match="^weighting.type='DKD' is no weighting"):
        FusedKD(weighting=dict(type='DKD', source='vit'))
    with pytest.raises(ConfigError, match='^weighting must be a dict with a `type`, got {}'):
        FusedKD(weighting={})  # the default is None's


@pytest.mark.parametrize(
    'weigh, given',
    [
        (lambda teachers, student, labels: teachers.softmax(0)[..., 0].T, r'\(5, 2\)'),
        (lambda teachers, student, labels: teachers.new_full((2,), 0.5), r'\(2,\)'),
        (lambda teachers, student, labels: [0.5, 0.5], 'list'),
    ],
)
def test_a_weighting_that_gives_weights_of_another_shape_is_named(monkeypatch, weigh, given):
    term = FusedKD()
    term.name = 'kd'
    monkeypatch.setattr(term.weighting, 'forward', weigh)
    message = rf'^model.terms.kd.weighting \(DATW\): .* weights \(2, 5\), teachers x samples, got {given}$'
    with pytest.raises(ConfigError, match=message):
        term(two_teachers())


def test_no_gradient_reaches_the_student_through_a_weighting_that_does_not_see_to_it(monkeypatch):
    step = two_teachers()
    step.student.logits.requires_grad_()
    term = FusedKD()
    monkeypatch.setattr(term.weighting, 'forward', lambda teachers, student, labels: (teachers * student).mean(-1))
    logits, weights = term.weigh(step)
    assert not weights.requires_grad and logits.shape == (2, 5, 7)
