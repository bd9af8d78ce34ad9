import copy

import torch
from mmengine.registry import MODELS as MMENGINE_MODELS
from tiny import resnet3d

from mmdualkd.teachers.frozen import FrozenTeachers


def teachers():
    model = MMENGINE_MODELS.build({'_scope_': 'mmaction', **resnet3d(dropout=0.5)})
    return FrozenTeachers(dict(cnn=model.train()))


def test_teachers_run_in_eval_without_gradients_and_change_nothing():
    frozen = teachers()
    before = copy.deepcopy(frozen['cnn'].state_dict())
    inputs = torch.randn(2, 1, 3, 4, 32, 32, requires_grad=True)
    first, second = frozen.run('cnn', inputs), frozen.run('cnn', inputs)
    assert torch.equal(first.logits, second.logits)  # no dropout, no batch statistics
    assert not first.logits.requires_grad and not first.grid.requires_grad
    assert not any(module.training for module in frozen['cnn'].modules())
    assert not any(parameter.requires_grad for parameter in frozen['cnn'].parameters())
    assert all(torch.equal(value, before[name]) for name, value in frozen['cnn'].state_dict().items())


def test_a_deep_copy_shares_the_teachers_and_does_not_move_them():
    frozen = teachers()
    shared = copy.deepcopy(dict(held=frozen))['held']
    assert shared['cnn'] is frozen['cnn']
    for held in (shared, copy.deepcopy(shared)):
        held.apply_to_tensors(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)
    assert {parameter.dtype for parameter in frozen['cnn'].parameters()} == {torch.float32}


def test_teachers_follow_a_change_of_type():
    frozen = teachers()
    frozen.apply_to_tensors(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)
    assert {parameter.dtype for parameter in frozen['cnn'].parameters()} == {torch.float64}
