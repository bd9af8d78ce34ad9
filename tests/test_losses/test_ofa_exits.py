"""The exits of OFA-KD: their loss, and students that have them."""

from dataclasses import replace

import numpy as np
import pytest
import tiny
import tiny_pictures
import torch
from steps import array, prepared, softmax, three_models

from mmdualkd.checkpoint import student_state_dict
from mmdualkd.errors import ConfigError
from mmdualkd.losses import OFAExits
from mmdualkd.stages import Features

SHAPES = ((2, 2, 8, 8), (3, 2, 4, 4), (4, 1, 4, 4), (5, 1, 2, 2))  # (C, T, H, W) of the stages


def with_stages(samples=3):
    step = three_models(samples, 5)
    step.kind = 'cnn'
    step.stages = tuple(Features(torch.randn(samples, *shape, dtype=torch.float64)) for shape in SHAPES)
    return step


@pytest.mark.parametrize('stages', [(1, 2, 3, 4), (2, 4)])
@pytest.mark.parametrize('gamma, tau', [(1.0, 1.0), (1.3, 2.0)])
def test_it_is_the_sum_of_ofas_losses_of_its_exits(stages, gamma, tau):
    step = with_stages()
    term = prepared(OFAExits('vit', stages, gamma, tau), step)
    p = softmax(array(step.teachers['vit'].logits) / tau)
    label = array(step.labels)
    expected = 0.0
    for stage, leave in zip(stages, term.exits, strict=True):
        q = softmax(array(leave(step.stages[stage - 1].grid)) / tau)
        expected -= (((p + label) ** gamma - label) * np.log(q)).sum() / len(p)
    np.testing.assert_allclose(term(step).item(), expected, rtol=1e-9)


def test_of_samples_without_a_label_it_takes_no_loss():
    step = with_stages(samples=4)
    term = prepared(OFAExits('vit'), step)
    labelled = torch.tensor([True, False, True, False])
    step.teachers = dict(vit=replace(step.teachers['vit'], logits=step.teachers['vit'].logits[labelled]))
    stages, labels, teacher = step.stages, step.labels, three_models(4, 5).teachers
    step.stages, step.labels = tuple(Features(one.grid[labelled]) for one in stages), labels[labelled]
    expected = term(step)
    step.stages, step.labels, step.teachers = stages, labels * labelled[:, None], teacher
    step.labelled = labelled
    torch.testing.assert_close(term(step), expected, rtol=1e-12, atol=0)


def pictures(folder, student, **changes):
    terms = dict(ofa=dict(type='OFA', source='teacher'), exits=dict(type='OFAExits', source='teacher', **changes))
    return tiny_pictures.build_distiller(folder, student, tiny_pictures.cnn(), terms=terms)


@pytest.mark.parametrize('student', ['cnn', 'vit', 'mixer'])
def test_pictures_exits_train_every_stage_and_are_no_part_of_the_student(student, tmp_path):
    model = pictures(tmp_path, getattr(tiny_pictures, student)())
    plain = tiny_pictures.build_plain(getattr(tiny_pictures, student)())
    losses = tiny.step_losses(model, tiny_pictures.batch())
    losses['loss_exits'].backward()
    reached = {name for name, value in model.named_parameters() if value.grad is not None and value.grad.any()}
    assert {name for name, _ in model.named_parameters() if name.startswith('terms.exits')} <= reached
    assert any(name.startswith('student.backbone') for name in reached)
    assert not any(name.startswith('student.head') for name in reached)
    assert student_state_dict(model.state_dict()).keys() == plain.state_dict().keys()


def test_a_student_with_exits_runs_as_it_does_without_bit_for_bit(tmp_path):
    losses = []
    for weight in (0.0, None):
        terms = dict(kd=dict(type='FusedKD'))
        if weight is not None:
            terms['exits'] = dict(type='OFAExits', source='vit', weight=weight)
        model = tiny.build_distiller(tmp_path, terms=terms)
        loss = model.parse_losses(tiny.step_losses(model, tiny.batch(model.plan.num_frames)))[0]
        loss.backward()
        losses.append((loss, tiny.gradients(model.student)))
    assert torch.equal(losses[0][0], losses[1][0])
    assert all(torch.equal(value, losses[1][1][name]) for name, value in losses[0][1].items())


def test_clips_are_halved_in_space_alone(tmp_path):
    model = tiny.build_distiller(tmp_path, terms=dict(exits=dict(type='OFAExits', source='cnn')))
    first = model.terms['exits'].exits[0]
    grids = []
    for layer in first.layers:
        layer.register_forward_hook(lambda _, args, out: grids.append((args[0].shape[2:], out.shape[2:])))
    tiny.step_losses(model, tiny.batch(model.plan.num_frames))
    assert len(grids) == 3
    for before, after in grids:
        assert after == (before[0], -(-before[1] // 2), -(-before[2] // 2))


def test_under_autocast_exits_and_losses_are_in_float32(tmp_path):
    model = pictures(tmp_path, tiny_pictures.cnn()).eval()
    full = tiny.step_losses(model, tiny_pictures.batch())['loss_exits']
    with torch.autocast('cpu', torch.bfloat16):
        half = tiny.step_losses(model, tiny_pictures.batch())['loss_exits']
    assert half.dtype == torch.float32 and half.item() == pytest.approx(full.item(), rel=0.02)


def test_students_that_are_not_divided_are_refused_when_built(tmp_path):
    message = r'^model.student cannot serve model.terms \(OFAExits\): ResNet3d has 1 stages; only one of four'
    with pytest.raises(ConfigError, match=message):
        tiny.build_distiller(tmp_path, tiny.one_stage(), terms=dict(exits=dict(type='OFAExits', source='vit')))


@pytest.mark.parametrize('stages', [(), (0, 1), (1, 1), 3, ('1',), (True,)])
def test_wrong_stages_are_one_clear_error(stages):
    with pytest.raises(ConfigError, match='stages must be a list of 1, 2, 3 or 4, each once, got'):
        OFAExits('vit', stages=stages)
