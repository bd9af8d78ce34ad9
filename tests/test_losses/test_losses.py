"""Each term against an independent float64 formula, written with loops in numpy."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from steps import array, of_grids, prepared, softmax

from mmdualkd.errors import ConfigError
from mmdualkd.losses import RKD, FusedKD, Step
from mmdualkd.outputs import Outputs

SHAPES = [(2, 3), (5, 7), (8, 51)]


@pytest.mark.parametrize('samples, classes', SHAPES)
@pytest.mark.parametrize('tau', [1.0, 4.0])
def test_fused_kd_equals_its_formula_and_logs_its_weights(samples, classes, tau):
    step = of_grids(samples, classes)
    term = FusedKD(weighting=dict(type='Uniform'), tau=tau)
    term.name = 'kd'
    target = (array(step.teachers['vit'].logits) + array(step.teachers['cnn'].logits)) / 2
    p, q = softmax(target / tau), softmax(array(step.student.logits) / tau)
    expected = tau**2 * (p * (np.log(p) - np.log(q))).sum() / samples
    np.testing.assert_allclose(term(step).item(), expected, rtol=1e-9)
    assert step.log['kd/weight_vit'].item() == pytest.approx(0.5)
    assert step.log['kd/weight_cnn_std'].item() == pytest.approx(0)
    entropy = -(softmax(target) * np.log(softmax(target))).sum(-1).mean()
    np.testing.assert_allclose(step.log['kd/target_entropy'].item(), entropy, rtol=1e-9)


def test_fused_kd_takes_the_weights_of_its_weighting_sample_by_sample():
    step = of_grids()
    term = FusedKD(tau=2.0)
    term.name = 'kd'
    stacked = torch.stack([step.teachers[name].logits for name in ('vit', 'cnn')])
    weights = array(term.weighting(stacked, step.student.logits, step.labels))
    target = (weights[..., None] * array(stacked)).sum(0)
    p, q = softmax(target / 2), softmax(array(step.student.logits) / 2)
    np.testing.assert_allclose(term(step).item(), 4 * (p * np.log(p / q)).sum() / 5, rtol=1e-9)
    assert step.log['kd/weight_cnn_std'].item() == pytest.approx(weights[1].std())


def test_one_teacher_makes_fused_kd_plain_kd_whatever_the_weighting():
    step = of_grids()
    p, q = softmax(array(step.teachers['cnn'].logits) / 4), softmax(array(step.student.logits) / 4)
    expected = 16 * (p * np.log(p / q)).sum() / 5
    for kind in ('DATW', 'Uniform', 'EBKD', 'CAMKD'):
        term = FusedKD(weighting=dict(type=kind), teachers=['cnn'])
        np.testing.assert_allclose(term(step).item(), expected, rtol=1e-6)


def test_standardised_logits_make_kd_blind_to_scale_and_shift():
    step = of_grids()
    term = FusedKD(weighting=dict(type='Uniform'), standardise_logits=True, teachers=['vit'])
    before = term(step).item()
    step.teachers['vit'].logits.mul_(7).add_(3)
    assert term(step).item() == pytest.approx(before, rel=1e-4)


def test_standardised_teachers_weigh_the_same_at_any_scale():
    step = of_grids()
    term = FusedKD(weighting=dict(type='Uniform'), standardise_teachers=True)
    before = term(step).item()
    step.teachers['vit'].logits.mul_(100)
    assert term(step).item() == pytest.approx(before, rel=1e-3)


@pytest.mark.parametrize('samples, classes', SHAPES)
@pytest.mark.parametrize('features', ['pooled', 'logits'])
def test_rkd_equals_its_formula(samples, classes, features):
    step = of_grids(samples, classes)

    def smooth_l1(a, b):
        d = abs(a - b)
        return np.where(d < 1, 0.5 * d * d, d - 0.5)

    def rows(outputs):
        x = array(getattr(outputs, features))
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    def distances(x):
        d = np.array([[np.linalg.norm(a - b) for b in x] for a in x])
        return d / d[d > 0].mean()

    def angles(x):
        out = np.zeros((len(x),) * 3)
        for j, b in enumerate(x):
            for i, a in enumerate(x):
                for k, c in enumerate(x):
                    if i != j and k != j:
                        out[j, i, k] = (a - b) @ (c - b) / np.linalg.norm(a - b) / np.linalg.norm(c - b)
        return out

    s, t = rows(step.student), rows(step.teachers['vit'])
    by_distance = smooth_l1(distances(s), distances(t)).mean()
    by_angle = smooth_l1(angles(s), angles(t)).mean()
    term = RKD('vit', features=features)
    np.testing.assert_allclose(term(step).item(), by_distance, rtol=1e-7, atol=1e-12)
    term = RKD('vit', distance=1.0, angle=2.0, features=features)
    np.testing.assert_allclose(term(step).item(), by_distance + 2 * by_angle, rtol=1e-7, atol=1e-12)


def test_rkd_is_zero_for_the_teachers_own_relations_and_finite_for_equal_samples():
    step = of_grids()
    rotation = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64)).Q
    turned = F.normalize(step.teachers['vit'].pooled, dim=1) @ rotation
    same = Step(Outputs(step.student.logits, turned, step.student.grid), step.teachers, step.labels)
    assert RKD('vit', angle=1.0)(same).item() == pytest.approx(0, abs=1e-8)
    equal = torch.ones(5, 4, dtype=torch.float64, requires_grad=True)
    flat = Step(Outputs(step.student.logits, equal, step.student.grid), step.teachers, step.labels)
    RKD('vit', angle=1.0)(flat).backward()
    assert torch.isfinite(equal.grad).all()


@pytest.mark.parametrize(
    'make',
    [lambda: FusedKD(), lambda: RKD('vit', angle=1.0), lambda: RKD('vit', features='logits')],
)
def test_gradients_are_those_of_finite_differences(make):
    step = of_grids(4, 5)
    term = prepared(make(), step)
    # DATW's weights are held constant in the derivative, as in the formula.
    if isinstance(term, FusedKD):
        fixed = term.weighting(
            torch.stack([t.logits for t in step.teachers.values()]), step.student.logits, step.labels
        )
        term.weighting.forward = lambda *_: fixed

    def value(logits, pooled):
        return term(Step(Outputs(logits, pooled, None), step.teachers, step.labels))

    pooled = step.student.pooled.detach().requires_grad_()
    assert torch.autograd.gradcheck(value, (step.student.logits, pooled), atol=1e-4)


@pytest.mark.parametrize(
    'make, message',
    [
        (lambda: FusedKD(tau=0), 'tau must be positive, got 0'),
        (lambda: FusedKD(weight=-1), 'weight must not be negative, got -1'),
        (lambda: RKD('vit', features='pool'), "did you mean 'pooled'"),
        (lambda: RKD('vit', distance=0), 'must not both be 0'),
        (lambda: FusedKD(weighting=dict(type='DATV')), "did you mean 'DATW'"),
    ],
)
def test_wrong_arguments_are_one_clear_error(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
