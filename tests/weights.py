"""Small recognizers whose weights the tests save and load."""

import copy
import io

import families
import torch
from mmengine.registry import MODELS

KEY = 'model.teachers.cnn.checkpoint'


def build(cfg, scope='mmaction'):
    """A model from its config."""
    return MODELS.build({'_scope_': scope, **copy.deepcopy(cfg)})


def small(num_classes=families.NUM_CLASSES, name='slowonly'):
    """A small recognizer of a family."""
    cfg = copy.deepcopy(families.FAMILIES[name].model)
    cfg['cls_head']['num_classes'] = num_classes
    return build(cfg)


def same(model, state):
    """Whether a model's weights are those of a state dict, bit for bit."""
    own = model.state_dict()
    return own.keys() == state.keys() and all(torch.equal(own[name], state[name]) for name in own)


def cut_zip():
    """Bytes of a checkpoint that ends too early."""
    buffer = io.BytesIO()
    torch.save(dict(a=torch.ones(100)), buffer)
    return buffer.getvalue()[:-50]
