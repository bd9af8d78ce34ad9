"""InfoNCE against an independent float64 formula."""

import numpy as np
import pytest
import torch
from steps import array, prepared, three_models
from torch.func import functional_call

from mmdualkd.errors import ConfigError
from mmdualkd.losses import InfoNCE, Step
from mmdualkd.outputs import Outputs

SHAPES = [(2, 3), (5, 7), (33, 4)]
WAYS = [('vit', 'student'), ('vit', 'assistant'), ('assistant', 'student'), ('student', 'assistant')]


def formula(source, target, temperature):
    """Loops over the samples; rows (N, C) in float64."""
    source = source / np.linalg.norm(source, axis=1, keepdims=True)
    target = target / np.linalg.norm(target, axis=1, keepdims=True)
    losses = []
    for i in range(len(target)):
        scores = np.array([target[i] @ source[j] / temperature for j in range(len(source))])
        losses.append(np.log(np.exp(scores - scores[i]).sum()))
    return np.mean(losses)


def rows(*values):
    """A step of a student and a teacher with these pooled features."""
    student, teacher = (torch.tensor(value, dtype=torch.float64) for value in values)
    logits = torch.zeros(len(student), 2)
    return Step(Outputs(logits, student.requires_grad_(), None), dict(t=Outputs(logits, teacher, None)), logits)


@pytest.mark.parametrize('samples, classes', SHAPES)
@pytest.mark.parametrize('source, target', WAYS)
@pytest.mark.parametrize('symmetric', [False, True])
def test_info_nce_equals_its_formula_and_logs_its_temperature(samples, classes, source, target, symmetric):
    step = three_models(samples, classes)
    term = prepared(InfoNCE(source, target, temperature=0.2, symmetric=symmetric), step)
    f_source, f_target = array(step.of(source).pooled), array(step.of(target).pooled)
    if f_source.shape[1] != f_target.shape[1]:
        f_target = f_target @ array(term.map.weight).T + array(term.map.bias)
    expected = formula(f_source, f_target, 0.2)
    if symmetric:
        expected = (expected + formula(f_target, f_source, 0.2)) / 2
    np.testing.assert_allclose(term(step).item(), expected, rtol=1e-9)
    assert step.log['term/temperature'].item() == pytest.approx(0.2)
    assert not step.log['term/temperature'].requires_grad


def test_info_nce_of_two_samples_is_what_one_works_out_by_hand():
    same = rows([[3.0, 0], [0, 2]], [[1.0, 0], [0, 5]])
    term = prepared(InfoNCE('t', temperature=0.5), same)
    assert term(same).item() == pytest.approx(0.126928, abs=1e-6)  # log(1 + e^-2)
    swapped = rows([[0.0, 3], [2, 0]], [[1.0, 0], [0, 5]])
    assert term(swapped).item() == pytest.approx(2.126928, abs=1e-6)  # log(1 + e^2)


def test_only_models_of_other_widths_get_a_map():
    step = three_models()
    assert not list(prepared(InfoNCE('vit', 'assistant'), step).map.parameters())
    assert prepared(InfoNCE('vit', 'student'), step).map.weight.shape == (6, 4)
    assert prepared(InfoNCE('student', 'assistant'), step).map.weight.shape == (4, 6)


@pytest.mark.parametrize('symmetric', [False, True])
def test_info_nce_gradients_are_those_of_finite_differences(symmetric):
    step = three_models(4, 3)
    term = prepared(InfoNCE('assistant', 'student', symmetric=symmetric, temperature=0.3), step)

    def value(source, target, log_change, weight):
        changed = Step(Outputs(None, target, None), {}, step.labels, assistant=Outputs(None, source, None))
        return functional_call(term, {'log_change': log_change, 'map.weight': weight}, (changed,))

    log_change = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    inputs = (step.assistant.pooled, step.student.pooled, log_change, term.map.weight.detach().requires_grad_())
    assert torch.autograd.gradcheck(value, inputs)


def test_gradients_reach_the_source_unless_it_is_detached():
    step = three_models()
    prepared(InfoNCE('assistant'), step)(step).backward()
    assert step.assistant.pooled.grad.abs().sum() > 0 and step.student.pooled.grad.abs().sum() > 0
    step = three_models()
    prepared(InfoNCE('assistant', detach_source=True), step)(step).backward()
    assert step.assistant.pooled.grad is None and step.student.pooled.grad.abs().sum() > 0


def test_one_row_in_the_batch_gives_zero_loss_and_zero_gradients():
    step = three_models(samples=1)
    term = prepared(InfoNCE('assistant', symmetric=True), step)
    loss = term(step)
    loss.backward()
    assert loss.item() == 0
    assert not step.student.pooled.grad.any() and not step.assistant.pooled.grad.any()
    assert term.log_change.grad.item() == 0


def test_features_of_zeros_give_gradients_with_a_bound():
    step = rows([[0.0, 0], [0, 0]], [[1.0, 0], [0, 5]])
    term = prepared(InfoNCE('t'), step)
    loss = term(step)
    loss.backward()
    assert loss.item() == pytest.approx(np.log(2))
    assert step.student.pooled.grad.norm() < 1e6


def test_float32_keeps_the_loss_at_the_coldest_temperature():
    step = three_models(16, 5)
    expected = formula(array(step.teachers['vit'].pooled), array(step.assistant.pooled), 0.01)
    single = Step(
        None,
        dict(vit=Outputs(None, step.teachers['vit'].pooled.float(), None)),
        step.labels,
        assistant=Outputs(None, step.assistant.pooled.float(), None),
    )
    term = InfoNCE('vit', 'assistant', temperature=0.01)
    np.testing.assert_allclose(term(single).item(), expected, rtol=1e-4)


@pytest.mark.parametrize('label, bound', [('matched', 0.01), ('shuffled', 1.0)])
def test_the_temperature_learns_and_stops_at_its_bounds(label, bound):
    """Where the rows match, colder is better without end; where they do not, warmer is."""
    eye = np.eye(4).tolist()
    step = rows(eye if label == 'matched' else eye[1:] + eye[:1], eye)
    term = prepared(InfoNCE('t', temperature=0.5), step)
    optimizer = torch.optim.SGD(term.parameters(), lr=50.0)
    for _ in range(20):
        optimizer.zero_grad()
        term(step).backward()
        optimizer.step()
    term(step)
    assert step.log['term/temperature'].item() == pytest.approx(bound)


def test_a_temperature_that_an_optimizer_threw_out_comes_back_to_its_bound():
    step = three_models()
    term = prepared(InfoNCE('vit'), step)
    for thrown, bound in ((-50.0, 0.01), (50.0, 1.0)):
        term.log_change.data.fill_(thrown)
        loss = term(step)
        term.log_change.grad = None
        loss.backward()
        assert step.log['term/temperature'].item() == pytest.approx(bound)
        assert torch.isfinite(loss) and term.log_change.grad.abs() > 0


def test_a_fixed_temperature_stays_and_trains_nothing():
    step = three_models()
    term = prepared(InfoNCE('vit', 'assistant', temperature=0.1, learnable=False), step)
    assert not list(term.parameters())
    np.testing.assert_allclose(
        term(step).item(), formula(array(step.of('vit').pooled), array(step.assistant.pooled), 0.1), rtol=1e-9
    )


@pytest.mark.parametrize(
    'make_term, message',
    [
        (lambda: InfoNCE('vit', temperature=0), r'temperature must be in \[0.01, 1.0\], got 0'),
        (lambda: InfoNCE('vit', temperature=4.0), r'got 4.0'),
        (lambda: InfoNCE('student'), "target must be another model than source, both are 'student'"),
        (lambda: prepared(InfoNCE('student', 'vit'), three_models()), r"terms.term.target='vit' is a teacher, and"),
    ],
)
def test_wrong_arguments_are_one_clear_error(make_term, message):
    with pytest.raises(ConfigError, match=message):
        make_term()


def test_the_distiller_learns_which_models_the_term_uses():
    assert InfoNCE('vit', 'assistant').models_used() == dict(source='vit', target='assistant')
