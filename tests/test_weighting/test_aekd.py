"""AEKD against scipy's solver."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from mmdualkd import global_batch
from mmdualkd.errors import ConfigError
from mmdualkd.losses import FusedKD
from mmdualkd.weighting import AEKD
from mmdualkd.weighting.aekd import shortest_sum


def solved(vectors, most):
    """By SLSQP, from the middle."""
    count = len(vectors)
    found = minimize(
        lambda w: ((w @ vectors) ** 2).sum(), np.full(count, 1 / count), bounds=[(0, most)] * count, tol=1e-14,
        constraints=dict(type='eq', fun=lambda w: w.sum() - 1), options=dict(maxiter=500),
    )  # fmt: skip
    return found.x


@pytest.mark.parametrize('count', [2, 3, 5])
@pytest.mark.parametrize('most', [0.6, 1.0])
def test_the_shortest_sum_is_scipys(count, most):
    rng = np.random.default_rng(count)
    for _ in range(5):
        vectors = rng.normal(size=(count, 6)) * rng.uniform(0.2, 3, (count, 1)) + rng.normal(size=6)
        ours = shortest_sum(torch.tensor(vectors), most).numpy()
        theirs = solved(vectors, most)
        np.testing.assert_allclose(((ours @ vectors) ** 2).sum(), ((theirs @ vectors) ** 2).sum(), rtol=1e-6)
        np.testing.assert_allclose(ours, theirs, atol=2e-3)
        assert ours.sum() == pytest.approx(1) and (ours >= 0).all() and (ours <= most + 1e-9).all()
        small = shortest_sum(torch.tensor(vectors) * 1e-7, most).numpy()  # of teachers that the student has come near
        np.testing.assert_allclose(small, ours, atol=1e-6)


@pytest.mark.parametrize('tau', [1.0, 4.0])
def test_weights_are_those_of_the_mean_gradients_of_the_tempered_losses(tau):
    """The gradients come from autograd, loss by loss."""
    rng = np.random.default_rng(0)
    teachers, student = torch.tensor(rng.normal(size=(2, 5, 7)) * 3), torch.tensor(rng.normal(size=(5, 7)))
    student.requires_grad_()
    gradients = []
    for teacher in teachers:
        loss = -(tau**2 * (teacher / tau).softmax(-1) * (student / tau).log_softmax(-1)).sum(-1).mean()
        gradients.append(torch.autograd.grad(loss, student)[0].mean(0).numpy())
    weighting = AEKD(tolerance=1.0)
    weighting.prepare(2, tau)
    weights = weighting(teachers, student, None)
    assert not weights.requires_grad
    np.testing.assert_allclose(weights, np.repeat(solved(np.array(gradients), 1.0)[:, None], 5, 1), atol=1e-4)


def test_the_tolerance_bounds_what_one_teacher_weighs():
    near, far = torch.zeros(4, 3), torch.tensor([[9.0, -9, 0]]).expand(4, 3)
    weights = AEKD()(torch.stack([near, far]), torch.zeros(4, 3), None)  # the first pulls nowhere
    torch.testing.assert_close(weights, torch.tensor([[0.6], [0.4]]).expand(2, 4))


@pytest.mark.parametrize('count', [1, 2, 3])
@pytest.mark.parametrize('value', [0.0, 5.0, 300.0])
def test_teachers_that_say_the_same_weigh_the_same(count, value):
    teachers = torch.tensor([value, 0.0, -value]).expand(count, 4, 3)
    for student in (torch.zeros(4, 3), teachers[0]):
        weights = AEKD(tolerance=1.0)(teachers, student, None)
        assert weights.shape == (count, 4)
        torch.testing.assert_close(weights, torch.full((count, 4), 1 / count), rtol=1e-3, atol=1e-3)


def test_the_batch_of_all_processes_counts(monkeypatch):
    rng = np.random.default_rng(0)
    teachers, student = torch.tensor(rng.normal(size=(2, 6, 5)) * 3), torch.tensor(rng.normal(size=(6, 5)))
    whole = AEKD(1.0)(teachers, student, None)[:, 0]
    parts = [slice(0, 2), slice(2, 6)]  # of two processes
    sums = []

    def all_reduce(tensor):
        sums.append(tensor.clone())
        if len(sums) == 2:
            tensor.copy_(sum(sums))

    monkeypatch.setattr(global_batch, 'get_world_size', lambda: 2)
    monkeypatch.setattr(global_batch.dist, 'all_reduce', all_reduce)
    for part in parts:
        weights = AEKD(1.0)(teachers[:, part], student[part], None)
    torch.testing.assert_close(weights, whole[:, None].expand(2, 4))


def test_wrong_tolerances_and_too_many_teachers_are_one_clear_error_when_built():
    for tolerance, message in ((0, 'must be positive'), (1.5, 'must be at most 1, got 1.5')):
        with pytest.raises(ConfigError, match=f'^tolerance {message}'):
            AEKD(tolerance)
    with pytest.raises(ConfigError, match='tolerance=0.4 leaves the weights of 2 teachers no sum of 1: at least 1 / 2'):
        AEKD(0.4).prepare(2, 4.0)
    with pytest.raises(ConfigError, match='AEKD weighs at most 6 teachers, there are 7'):
        AEKD().prepare(7, 4.0)
    term = FusedKD(weighting=dict(type='AEKD'), tau=2.0)
    term.weighting.prepare(2, term.tau)
    assert term.weighting.tau == 2.0
