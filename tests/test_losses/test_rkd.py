"""RKD where rows vanish or meet (its formula: ``test_losses.py``)."""

import numpy as np
import pytest
import torch
from steps import three_models

from mmdualkd.losses import RKD, Step
from mmdualkd.losses.features import SMALLEST_NORM
from mmdualkd.losses.rkd import SMALLEST_DISTANCE
from mmdualkd.outputs import Outputs


def normal(rows, seed=0):
    return torch.randn(rows, 16, generator=torch.Generator().manual_seed(seed))


def with_rows(values, **rows):
    values = values.clone()
    for index, row in rows.items():
        values[int(index[1:])] = row
    return values


X = normal(8)
DEGENERATE = dict(
    one_zero_row=with_rows(X, r0=0.0),
    two_zero_rows=with_rows(X, r0=0.0, r5=0.0),
    zeros=torch.zeros(8, 16),
    a_repeated_row=with_rows(X, r1=X[0]),
    a_row_nearly_repeated=with_rows(X, r1=X[0] + 1e-7),
    all_equal=X[:1].repeat(8, 1),
    all_nearly_equal=X[:1].repeat(8, 1) + 1e-7 * normal(8, seed=1),
    tiny=X * 1e-12,
    one_row=X[:1],
    one_zero_row_alone=torch.zeros(1, 16),
)
PARTS = [dict(distance=1.0), dict(distance=0.0, angle=1.0)]


def loss_of(features, teacher, **parts):
    step = Step(Outputs(None, features, None), dict(t=Outputs(None, teacher, None)), None)
    return RKD('t', **parts)(step)


@pytest.mark.parametrize('name', DEGENERATE)
@pytest.mark.parametrize('parts', PARTS, ids=['distance', 'angle'])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_rows_that_vanish_or_meet_get_gradients_with_a_bound(name, parts, dtype):
    features = DEGENERATE[name].to(dtype).clone().requires_grad_()
    loss = loss_of(features, normal(len(features), seed=2).to(dtype), **parts)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(features.grad).all()
    assert features.grad.norm() <= 1 / SMALLEST_NORM / SMALLEST_DISTANCE


@pytest.mark.parametrize('parts', PARTS, ids=['distance', 'angle'])
def test_teachers_rows_that_vanish_or_meet_do_no_harm_either(parts):
    for teacher in DEGENERATE.values():
        features = normal(len(teacher), seed=2).requires_grad_()
        loss_of(features, teacher, **parts).backward()
        assert features.grad.norm() < 10


@pytest.mark.parametrize('parts', PARTS, ids=['distance', 'angle'])
def test_one_row_has_no_relations(parts):
    features = X[:1].clone().requires_grad_()
    loss = loss_of(features, normal(1, seed=2), **parts)
    loss.backward()
    assert loss.item() == 0 and not features.grad.any()


@pytest.mark.parametrize('shift', [0.0, 10.0])
def test_rows_of_usual_distances_have_the_papers_value(shift):
    """``shift`` brings all rows within some hundredths of each other once they have unit length."""
    features, teacher = (normal(8, seed=seed).double() + shift for seed in (3, 4))

    def relations(rows):
        rows = rows.numpy() / np.linalg.norm(rows, axis=1, keepdims=True)
        edges = rows[None] - rows[:, None]  # [j, i]: from j to i
        lengths = np.linalg.norm(edges, axis=2)
        units = edges / np.where(lengths, lengths, 1)[..., None]
        return lengths / lengths[lengths > 0].mean(), np.einsum('jic,jkc->jik', units, units)

    def smooth_l1(a, b):
        gap = abs(a - b)
        return np.where(gap < 1, gap**2 / 2, gap - 0.5).mean()

    for parts, ours, theirs in zip(PARTS, relations(features), relations(teacher), strict=True):
        np.testing.assert_allclose(loss_of(features, teacher, **parts).item(), smooth_l1(ours, theirs), rtol=1e-9)


@pytest.mark.parametrize('parts', PARTS, ids=['distance', 'angle'])
def test_gradients_are_those_of_finite_differences(parts):
    step = three_models(4)
    assert torch.autograd.gradcheck(lambda rows: loss_of(rows, step.of('vit').pooled, **parts), step.student.pooled)
