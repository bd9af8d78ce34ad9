"""Image classifiers: MMPretrain's names, class counts in every head, strict loads, no augmentations of their own."""

import copy
import logging
import re

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import MODELS, DefaultScope

from mmdualkd.errors import CheckpointError, ConfigError
from mmdualkd.zoo.names import find_model
from mmdualkd.zoo.resolve import resolve_model
from mmdualkd.zoo.weights import load_student_weights, load_teacher_weights

KEY = 'model.teachers.teacher.checkpoint'
SWIN = 'swin_transformer/swin-tiny_16xb64_in1k.py'
UNTRAINED = 'vit-base-p16_mae-300e-pre_8xb128-coslr-100e_in1k'
TINY_VIT = dict(
    backbone=dict(
        arch=dict(_delete_=True, embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32), img_size=32
    ),
    head=dict(in_channels=16),
)  # fmt: skip
# The families of the hybrid assistant, from their own zoo configs, at widths and depths for tests.
FAMILIES = {
    'resnet18': dict(
        config='mmpretrain::resnet/resnet18_8xb32_in1k.py',
        model=dict(backbone=dict(stem_channels=8, base_channels=8), head=dict(in_channels=64)),
    ),
    'mobilenet_v2': dict(
        config='mmpretrain::mobilenet_v2/mobilenet-v2_8xb32_in1k.py', model=dict(backbone=dict(widen_factor=0.1))
    ),
    'convnext': dict(
        config='mmpretrain::convnext/convnext-tiny_32xb128_in1k.py',
        model=dict(
            backbone=dict(arch=dict(_delete_=True, depths=[1, 1, 1, 1], channels=[8, 8, 8, 8])),
            head=dict(in_channels=8),
        ),
    ),
    'swin': dict(
        config='mmpretrain::swin_transformer/swin-tiny_16xb64_in1k.py',
        model=dict(
            backbone=dict(
                arch=dict(_delete_=True, embed_dims=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1]),
                img_size=32,
                pad_small_map=True,
            ),
            head=dict(in_channels=64),
        ),
    ),
    'deit_tiny': dict(config='mmpretrain::deit/deit-tiny_4xb256_in1k.py', model=TINY_VIT),
    'deit_small': dict(config='mmpretrain::deit/deit-small_4xb256_in1k.py', model=TINY_VIT),
    'vit': dict(config='mmpretrain::vision_transformer/vit-base-p16_32xb128-mae_in1k.py', model=TINY_VIT),
    'mixer': dict(
        config='mmpretrain::mlp_mixer/mlp-mixer-base-p16_64xb64_in1k.py',
        model=dict(
            backbone=dict(
                arch=dict(_delete_=True, embed_dims=16, num_layers=2, tokens_mlp_dims=8, channels_mlp_dims=16),
                img_size=32,
            ),
            head=dict(in_channels=16),
        ),
    ),
    'resmlp': dict(config=dict(type='TimmClassifier', model_name='resmlp_12_224', pretrained=False, img_size=32)),
}  # fmt: skip


def build(spec, num_classes=None, key='model.teachers.teacher'):
    model, _ = resolve_model(spec, key, num_classes)
    return MODELS.build({'_scope_': 'mmaction', **model})


def pictures():
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def log(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO, logger=logger.name):
        yield caplog
    logger.removeHandler(caplog.handler)


@pytest.mark.parametrize('name', FAMILIES)
def test_every_family_takes_a_class_count_loads_strictly_and_refuses_another_count(name, tmp_path):
    pytest.importorskip('timm' if name == 'resmlp' else 'mmpretrain')
    source, target = build(FAMILIES[name], 7).eval(), build(FAMILIES[name], 7).eval()
    path = tmp_path / 'seven.pth'
    torch.save(dict(state_dict=source.state_dict()), path)
    load_teacher_weights(target, str(path), KEY)
    assert all(torch.equal(value, source.state_dict()[key]) for key, value in target.state_dict().items())
    with torch.no_grad():
        scores = target(pictures(), mode='tensor')
        assert scores.shape == (2, 7) and torch.equal(scores, source(pictures(), mode='tensor'))
    with pytest.raises(CheckpointError, match=rf'{KEY}=.*seven\.pth.* has 7 classes, the model has 5'):
        load_teacher_weights(build(FAMILIES[name], 5), str(path), KEY)


@pytest.mark.parametrize('name', ['resnet18', 'deit_tiny', 'resmlp'])
def test_a_student_takes_all_but_the_head_of_other_classes(name, tmp_path):
    pytest.importorskip('timm' if name == 'resmlp' else 'mmpretrain')
    path = tmp_path / 'seven.pth'
    torch.save(build(FAMILIES[name], 7).state_dict(), path)
    matched, total = load_student_weights(build(FAMILIES[name], 5), str(path), 'model.student.checkpoint')
    assert matched == total - 2


@pytest.mark.parametrize(
    ('name', 'path', 'address'),
    [
        ('resnet18_8xb32_in1k', 'resnet/resnet18_8xb32_in1k.py', r'.*/resnet18_8xb32_in1k_20210831-fbbb1da6\.pth'),
        ('ResNet18_8xb32_in1k', 'resnet/resnet18_8xb32_in1k.py', r'.*/resnet18_8xb32_in1k_20210831-fbbb1da6\.pth'),
        # two names of one config, each with weights of its own
        ('swin-tiny_16xb64_in1k', SWIN, r'.*/swin_tiny_224_b16x64_300e_.*\.pth'),
        ('swin-tiny_3rdparty_in1k', SWIN, r'.*/v0/swin-transformer/convert/.*\.pth'),
    ],
)  # fmt: skip
def test_a_name_of_get_model_gives_the_zoos_model_and_its_own_weights(name, path, address):
    model, found = resolve_model(dict(config=name, checkpoint='zoo'), 'k', num_classes=9)
    assert re.fullmatch(address, found)
    by_path, _ = resolve_model(dict(config=f'mmpretrain::{path}', checkpoint='zoo'), 'k', num_classes=9)
    assert model.to_dict() == by_path.to_dict() and model._scope_ == 'mmpretrain'
    assert model.head.num_classes == model.data_preprocessor.num_classes == 9


def test_of_several_weights_of_a_config_those_of_its_own_name_are_taken():
    _, address = resolve_model(
        dict(config='mmpretrain::swin_transformer/swin-tiny_16xb64_in1k.py', checkpoint='zoo'), 'k'
    )
    assert '/swin_tiny_224_b16x64_300e_' in address


def test_an_unknown_name_is_an_error_with_the_nearest_of_mmpretrains_list():
    with pytest.raises(ConfigError, match="model.student.config='resnet18_8xb23_in1k'.*mean 'resnet18_8xb32_in1k'"):
        resolve_model(dict(config='resnet18_8xb23_in1k'), 'model.student')


def test_a_name_without_weights_is_an_error():
    with pytest.raises(ConfigError, match=f"lists no weights for '{UNTRAINED}'"):
        resolve_model(dict(config=UNTRAINED, checkpoint='zoo'), 'k')


@pytest.mark.parametrize('name', ['resnet18', 'mixer'])
def test_a_classifier_normalises_by_the_preprocessor_beside_the_model_in_its_config(name):
    whole = Config.fromfile(find_model(FAMILIES[name]['config'], 'k'))
    model = build(FAMILIES[name], 7)
    assert 'data_preprocessor' not in whole.model
    assert model.data_preprocessor.mean.flatten().tolist() == pytest.approx(whole.data_preprocessor.mean)
    assert model.data_preprocessor.std.flatten().tolist() == pytest.approx(whole.data_preprocessor.std)
    assert model.data_preprocessor.to_rgb and model.data_preprocessor.num_classes == 7


@pytest.mark.parametrize('name', ['swin', 'deit_tiny', 'convnext'])
def test_batch_augmentations_of_the_models_own_config_are_left_out_and_the_log_says_so(name, log):
    model = build(FAMILIES[name], key='model.student')
    assert model.data_preprocessor.batch_augments is None and not model.data_preprocessor.to_onehot
    assert 'model.student: Mixup and CutMix of its own config left out' in log.text


def test_batch_augmentations_in_a_preprocessor_are_left_out_too_and_the_callers_config_stays():
    config = dict(
        type='ImageClassifier',
        backbone=dict(type='LeNet5', num_classes=4),
        train_cfg=dict(augments=dict(type='Mixup', alpha=1.0)),
        data_preprocessor=dict(batch_augments=dict(augments=dict(type='CutMix', alpha=1.0))),
    )
    before = copy.deepcopy(config)
    model, _ = resolve_model(dict(config=config), 'k')
    assert 'train_cfg' not in model and 'batch_augments' not in model.data_preprocessor and config == before


def test_a_model_without_augmentations_is_not_mentioned(log):
    build(FAMILIES['resnet18'])
    assert 'left out' not in log.text


@pytest.mark.parametrize('default', ['mmaction', 'mmpretrain', None])
def test_an_inline_model_is_built_in_the_scope_that_knows_it_whatever_the_configs_default(default):
    image = dict(type='ImageClassifier', backbone=dict(type='ResNet', depth=18), head=dict(type='ClsHead'))
    video = dict(type='Recognizer3D', backbone=dict(type='X3D', gamma_w=1))
    with DefaultScope.overwrite_default_scope(default):
        image, video = (resolve_model(dict(config=config), 'k')[0] for config in (image, video))
    assert image._scope_ == 'mmpretrain' and video.get('_scope_', 'mmaction') == 'mmaction'


def test_a_timm_model_with_a_checkpoint_downloads_nothing(monkeypatch):
    timm = pytest.importorskip('timm')
    asked = []
    monkeypatch.setattr(
        timm.models, 'create_model', lambda *args, **kwargs: asked.append(kwargs) or torch.nn.Identity()
    )
    config = dict(type='TimmClassifier', model_name='resmlp_12_224', pretrained=True)
    for checkpoint in ('a.pth', None):
        build(dict(config=config, checkpoint=checkpoint), 7)
    assert [kwargs['pretrained'] for kwargs in asked] == [False, True]  # without a checkpoint the config's own wish
    assert [kwargs['num_classes'] for kwargs in asked] == [7, 7]
