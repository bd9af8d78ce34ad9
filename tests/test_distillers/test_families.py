"""Every family takes one distillation step, as a teacher of a tiny student and as a student of tiny teachers."""

import copy

import families
import pytest
import torch
from mmengine.model import BaseModel
from tiny import batch, resnet3d, save_model, step_losses

from mmdualkd.registry import MODELS

TERMS = dict(
    kd=dict(type='FusedKD', weight=1.0, tau=4.0, weighting=dict(type='DATW')),
    sdd=dict(type='SDD', weight=1.0, vit='vit', cnn='cnn'),
    rkd=dict(type='RKD', weight=1.0, teacher='vit'),
)
TINY_VIEW = dict(clip_len=4, frame_interval=1, num_clips=1, size=32)


def tiny_model():
    return resnet3d(4, num_classes=families.NUM_CLASSES)


def distiller(student, teachers, views, terms=TERMS):
    """A distiller of the full method, or of other terms, in training mode."""
    torch.manual_seed(0)
    cfg = dict(type='DualTeacherDistiller', student=student, teachers=teachers, views=views, terms=copy.deepcopy(terms))
    model = MODELS.build({**cfg, '_scope_': 'mmdualkd'})
    model.init_weights()
    return model.train()


def step(model: BaseModel):
    """One training step's losses after the backward pass."""
    size = max(spec.size for spec in model.plan.specs.values())
    losses = step_losses(model, batch(model.plan.num_frames, count=2, size=size, num_classes=families.NUM_CLASSES))
    total, log = model.parse_losses(losses)
    total.backward()
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in log.values()), log
    return log


@pytest.mark.parametrize('name', families.params())
def test_as_teacher(name, tmp_path):
    """It guides a tiny student in every role: fused, as the ViT and as the CNN of SDD, and in RKD."""
    family = families.FAMILIES[name]
    other = tiny_model()
    teachers = dict(
        vit=dict(config=family.model, checkpoint=save_model(family.model, tmp_path / 'vit.pth')),
        cnn=dict(config=other, checkpoint=save_model(other, tmp_path / 'cnn.pth')),
    )
    views = dict(student=TINY_VIEW, vit=family.view, cnn=TINY_VIEW)
    swapped = dict(sdd_swapped=dict(type='SDD', weight=1.0, vit='cnn', cnn='vit'))
    model = distiller(dict(config=tiny_model()), teachers, views, {**TERMS, **swapped})
    teacher = model.teachers['vit']
    before = copy.deepcopy(teacher.state_dict())
    log = step(model)
    assert {'loss_cls', 'loss_kd', 'loss_sdd', 'loss_rkd', 'loss_sdd_swapped', 'kd/weight_vit'} <= set(log)
    assert all(parameter.grad is not None for parameter in model.parameters() if parameter.requires_grad)
    after = teacher.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before)
    assert not any(parameter.requires_grad or parameter.grad is not None for parameter in teacher.parameters())


@pytest.mark.parametrize('name', families.params())
def test_as_student(name, tmp_path):
    """It learns from two tiny teachers: every trainable parameter of it gets a gradient."""
    family = families.FAMILIES[name]
    teachers = {
        role: dict(config=tiny_model(), checkpoint=save_model(tiny_model(), tmp_path / f'{role}.pth', seed))
        for seed, role in enumerate(('vit', 'cnn'))
    }
    views = dict(student=family.view, vit=TINY_VIEW, cnn=TINY_VIEW)
    model = distiller(dict(config=family.model), teachers, views)
    log = step(model)
    assert {'loss_cls', 'loss_kd', 'loss_sdd', 'loss_rkd', 'kd/weight_vit', 'kd/weight_cnn'} <= set(log)
    assert ('loss_aux' in log) == name.startswith('tpn')
    used = {key for key, parameter in model.named_parameters() if parameter.requires_grad}
    assert {key for key in used if model.get_parameter(key).grad is None} == set()
    assert any(model.get_parameter(key).grad.abs().sum() > 0 for key in used if 'student.backbone' in key)
