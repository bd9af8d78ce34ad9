"""``model.blending``: what is wrong in it is said before any model is built."""

import pytest
import tiny
import tiny_pictures
import torch

from mmdualkd.distillers.blending import build_blending
from mmdualkd.errors import ConfigError

MIXUP = dict(type='MixupBlending', num_classes=4, alpha=1.0)
WRONG = [
    (dict(type='MixupBlendin', num_classes=4), "model.blending.type='MixupBlendin' .* mean 'MixupBlending'"),
    (dict(type='I3DHead', num_classes=4), "model.blending.type='I3DHead' names no blending"),
    (dict(MIXUP, alfa=0.2), "model.blending: unknown argument 'alfa'; did you mean 'alpha'"),
    (dict(type='MixupBlending'), "model.blending: argument 'num_classes' is missing"),
    (dict(MIXUP, alpha=-1.0), 'model.blending=.*concentration'),
    (dict(type='RandomBatchAugment', augments=[dict(MIXUP, type='Mixup')]), r"augments\[0\].type='Mixup' .* 'MixupBl"),
    (dict(augmets=[]), "model.blending: unknown argument 'augmets'; did you mean 'augments'"),
    (dict(augments=[dict(type='MixUp', alpha=0.8)]), r"model.blending.augments\[0\].type='MixUp' .* mean 'Mixup'"),
    (
        dict(augments=dict(type='Mixup', alpa=0.8)),
        r"model.blending.augments\[0\]: unknown argument 'alpa'; did you mean 'alpha'",
    ),
    (dict(augments=[dict(alpha=0.8)]), r'model.blending.augments\[0\] must be a dict with a `type`'),
    (dict(augments=[dict(type='Mixup', alpha=0.8)], probs=[0.7, 0.6]), 'model.blending=.*same lengths'),
    ('Mixup', 'model.blending must be a dict'),
]


@pytest.mark.parametrize('blending, message', WRONG)
def test_a_mistake_is_named_before_any_model_is_built(tmp_path, monkeypatch, blending, message):
    monkeypatch.setattr('mmdualkd.distillers.base.build_resolved', lambda *args: pytest.fail('a model was built'))
    with pytest.raises(ConfigError, match=message):
        tiny.build_distiller(tmp_path, blending=blending)


def test_blending_of_the_other_kind_of_data_or_of_other_classes_is_named(tmp_path):
    with pytest.raises(ConfigError, match='model.blending: the student takes clips: a `type`'):
        tiny.build_distiller(tmp_path, blending=dict(augments=[dict(type='Mixup', alpha=0.8)]))
    with pytest.raises(ConfigError, match='model.blending: the student takes pictures: `augments`'):
        tiny_pictures.build_distiller(tmp_path, tiny_pictures.cnn(), tiny_pictures.vit(), terms={}, blending=MIXUP)
    with pytest.raises(ConfigError, match='num_classes=9 of MixupBlending, but the student has 4'):
        tiny.build_distiller(tmp_path, blending=dict(MIXUP, num_classes=9))


def test_the_config_is_left_as_it_is():
    cfg = dict(augments=[dict(type='Mixup', alpha=0.8)], probs=[0.5])
    assert build_blending(cfg).probs == build_blending(cfg).probs == [0.5, 0.5]
    assert cfg['probs'] == [0.5]


@pytest.mark.parametrize('count', [3, 4])
def test_a_batch_that_a_random_choice_leaves_as_it_is_keeps_its_labels(tmp_path, count):
    blending = dict(type='RandomBatchAugment', augments=[MIXUP], probs=[0.0])
    model, seen = tiny.build_distiller(tmp_path, blending=blending), {}
    model.terms['kd'].register_forward_pre_hook(lambda _, args: seen.update(labels=args[0].labels))
    losses = tiny.step_losses(model, tiny.batch(model.plan.num_frames, count))
    assert torch.equal(seen['labels'], torch.eye(4)[:count]) and losses['batch_acc/student'].ndim == 0
