import math

import numpy as np
import pytest
import torch
from steps import softmax

from mmdualkd.errors import ConfigError
from mmdualkd.weighting import CAMKD, DATW, EBKD, Uniform


def numpy_entropy(z):
    p = softmax(z)
    return -(p * np.log(p)).sum(-1)


def numpy_datw(teachers, student, score, tau=None, labels=None):
    """Independent float64 formula, sample by sample; guarded where there are labels."""
    count, samples, classes = teachers.shape
    weights = np.zeros((count, samples))
    for n in range(samples):
        scores = []
        for k in range(count):
            z = teachers[k, n]
            c = 1 - numpy_entropy(z) / math.log(classes)
            z, s = z - z.mean(), student[n] - student[n].mean()
            d = 1 - z @ s / np.linalg.norm(z) / np.linalg.norm(s)
            scores.append(dict(product=c * d, sum=c + d, confidence=c, discrepancy=d)[score])
            if labels is not None and labels[n].any():
                scores[-1] *= labels[n] @ softmax(teachers[k, n])
        scores = np.array(scores)
        raw = np.exp(scores / tau) if tau else scores + 1e-6
        weights[:, n] = raw / raw.sum()
    return weights


@pytest.fixture
def logits():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 5, 7)) * np.array([1, 3, 9])[:, None, None], rng.normal(size=(5, 7))


@pytest.mark.parametrize('score', ['product', 'sum', 'confidence', 'discrepancy'])
@pytest.mark.parametrize('tau', [None, 0.5])
def test_datw_equals_its_formula(logits, score, tau):
    teachers, student = logits
    ours = DATW(score=score, tau=tau)(torch.tensor(teachers), torch.tensor(student), None)
    np.testing.assert_allclose(ours, numpy_datw(teachers, student, score, tau), rtol=1e-9)


@pytest.mark.parametrize('score', ['product', 'sum', 'confidence', 'discrepancy'])
def test_a_constant_on_anybodys_logits_leaves_datws_weights(logits, score):
    teachers, student = (torch.tensor(value) for value in logits)
    before = DATW(score=score)(teachers, student, None)
    moved = teachers + torch.tensor([100.0, -3.0, 0.0]).double()[:, None, None]
    torch.testing.assert_close(DATW(score=score)(moved, student - 40, None), before, rtol=1e-7, atol=1e-9)


def test_logits_that_hardly_vary_are_half_way_to_any_other():
    teachers = torch.tensor([[[0.1] * 7], [[1e6] * 7], [[3.0, 0, 0, 0, 0, 0, 0]]])
    student = torch.tensor([[0.0, 3, 0, 0, 0, 0, 0]])
    weights = DATW(score='discrepancy')(teachers, student, None)[:, 0]
    agreement = -1 / 6  # of two one-hot rows of 7 classes, centred
    expected = torch.tensor([0.5, 0.5, 1 - agreement])
    torch.testing.assert_close(weights, expected / expected.sum())


def test_where_all_agree_no_rounding_weighs():
    """Of two classes, centred logits have two directions only: teachers that agree with the student agree fully."""
    gaps = torch.rand(2, 64, 1, generator=torch.Generator().manual_seed(0)) + 0.1
    teachers = torch.cat([gaps, -gaps], dim=-1) + 3.3
    weights = DATW()(teachers, torch.tensor([[0.7, 0.1]]).expand(64, 2), None)
    torch.testing.assert_close(weights, torch.full((2, 64), 0.5), rtol=0, atol=1e-6)


def test_datw_weighs_a_confident_teacher_that_disagrees_more():
    student = torch.tensor([[5.0, 0, 0]])
    teachers = torch.tensor([[[9.0, 0, 0]], [[0, 9.0, 0]], [[0, 0.1, 0]]])  # agrees; disagrees surely; disagrees unsure
    weights = DATW()(teachers, student, None)[:, 0]
    assert weights[1] > 0.9 and weights[1] > weights[2] and weights[1] > weights[0]


@pytest.mark.parametrize('score', ['product', 'sum', 'confidence', 'discrepancy'])
@pytest.mark.parametrize('tau', [None, 0.5])
def test_a_guarded_datw_counts_what_teachers_give_to_the_label_where_there_is_one(logits, score, tau):
    teachers, student = logits
    labels = np.eye(7)[[0, 3, 3, 6, 1]]
    labels[1] = [0, 0.25, 0, 0.75, 0, 0, 0]
    labels[2] = 0  # none
    ours = DATW(score=score, tau=tau, guard=True)(*map(torch.tensor, (teachers, student, labels)))
    np.testing.assert_allclose(ours, numpy_datw(teachers, student, score, tau, labels=labels), rtol=1e-9)


def test_a_guarded_datw_takes_the_weight_from_a_teacher_that_is_sure_and_wrong():
    student, labels = torch.tensor([[1.0, 0, 0]]), torch.tensor([[0.0, 1, 0]])
    teachers = torch.tensor([[[0, 6.0, 0]], [[0, 0, 9.0]]])  # right; surer, and wrong
    plain, guarded = (DATW(guard=guard)(teachers, student, labels)[:, 0] for guard in (False, True))
    assert plain[1] > 0.5 and guarded[1] < 0.01
    without = DATW(guard=True)(teachers, student, torch.zeros(1, 3))[:, 0]
    torch.testing.assert_close(without, plain)


def test_datw_is_uniform_where_no_teacher_has_anything_to_say():
    weights = DATW()(torch.zeros(2, 3, 4), torch.zeros(3, 4), None)
    assert torch.allclose(weights, torch.full((2, 3), 0.5))


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(score='prodct'), "^score='prodct' names no score; did you mean 'product'"),
        (dict(tau=0), '^tau must be positive, got 0$'),
        (dict(tau=-1.0), '^tau must be positive, got -1.0$'),
        (dict(eps=0.0), '^eps must be positive, got 0.0$'),
        (dict(eps=None), '^eps must be a finite number, got None$'),
    ],
)
def test_datws_wrong_arguments_are_one_clear_error(arguments, message):
    with pytest.raises(ConfigError, match=message):
        DATW(**arguments)


def test_ebkd_equals_its_formula(logits):
    teachers, student = logits
    uncertainty = numpy_entropy(teachers)
    expected = (1 - uncertainty / uncertainty.sum(0)) / 2
    np.testing.assert_allclose(EBKD()(torch.tensor(teachers), torch.tensor(student), None), expected, rtol=1e-9)


@pytest.mark.parametrize('soft', [False, True])
def test_ca_mkd_equals_its_formula(logits, soft):
    teachers, student = logits
    labels = np.random.default_rng(1).dirichlet(np.ones(7), 5) if soft else np.eye(7)[[0, 1, 2, 3, 4]]
    cross_entropy = -(labels * np.log(softmax(teachers))).sum(-1)
    expected = (1 - softmax(cross_entropy.T).T) / 2
    ours = CAMKD()(torch.tensor(teachers), torch.tensor(student), torch.tensor(labels))
    np.testing.assert_allclose(ours, expected, rtol=1e-9)


@pytest.mark.parametrize('weighting', [DATW(), EBKD(), CAMKD(), Uniform(), DATW(tau=1.0)])
@pytest.mark.parametrize('count', [1, 2, 4])
def test_weights_are_shares_for_any_number_of_teachers(weighting, count):
    torch.manual_seed(0)
    teachers, student = torch.randn(count, 6, 5) * 20, torch.randn(6, 5, requires_grad=True)
    weights = weighting(teachers, student, torch.eye(5)[[0, 1, 2, 3, 4, 0]])
    assert weights.shape == (count, 6) and (weights >= 0).all() and not weights.requires_grad
    assert torch.allclose(weights.sum(0), torch.ones(6), atol=1e-6)


@pytest.mark.parametrize('weighting', [DATW(), EBKD(), CAMKD()])
def test_teachers_that_leave_no_doubt_weigh_the_same(weighting):
    teachers = 1000 * torch.eye(5).expand(3, 5, 5)  # the entropy is 0
    weights = weighting(teachers, torch.zeros(5, 5), torch.eye(5))
    torch.testing.assert_close(weights, torch.full((3, 5), 1 / 3))


def test_no_rounding_makes_a_weight_negative():
    """The entropy of equal scores may round to more than the logarithm of their number."""
    for classes in range(2, 60):
        student = torch.arange(float(classes))[None]
        teachers = torch.stack([torch.zeros(1, classes), student])  # one unsure, one of the student's own mind
        assert (DATW(eps=1e-12)(teachers, student, None) >= 0).all()
