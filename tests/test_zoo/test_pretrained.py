"""Weights that a model config names are read, or their being passed over is told."""

import copy

import pytest
import torch
from mmengine.registry import MODELS
from tiny import resnet3d

from mmdualkd.errors import ConfigError
from mmdualkd.zoo.pretrained import check_pretrained

INIT = dict(type='Pretrained', checkpoint='backbone.pth')


def recognizer(backbone):
    model = MODELS.build({'_scope_': 'mmaction', **copy.deepcopy(resnet3d()), 'backbone': backbone})
    model.init_weights()
    return model


@pytest.mark.parametrize('kind', ['ResNet3d', 'ResNet3dSlowOnly'])
def test_an_init_cfg_that_a_backbone_does_not_read_is_an_error_that_names_its_own_argument(kind):
    model = recognizer({**resnet3d()['backbone'], 'type': kind, 'init_cfg': INIT})  # of a file that nobody asks for
    with pytest.raises(ConfigError) as error:
        check_pretrained(model, 'model.student')
    assert str(error.value).startswith(f'model.student: {kind} (backbone) does not read init_cfg={INIT}')
    assert str(error.value).endswith("pretrained='backbone.pth', with pretrained2d=False where they are of clips")


def test_weights_that_are_read_pass(tmp_path):
    backbone = dict(type='mmaction.MobileNetV2', widen_factor=0.1)
    saved = MODELS.build(backbone).state_dict()
    torch.save(saved, tmp_path / 'backbone.pth')
    model = recognizer({**backbone, 'init_cfg': {**INIT, 'checkpoint': str(tmp_path / 'backbone.pth')}})
    assert all(torch.equal(value, saved[name]) for name, value in model.backbone.state_dict().items())
    check_pretrained(model, 'model')
    check_pretrained(recognizer(resnet3d()['backbone']), 'model')
