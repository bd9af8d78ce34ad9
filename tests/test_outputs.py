import copy

import families
import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.registry import MODELS
from torch import nn

from mmdualkd.errors import ConfigError
from mmdualkd.outputs import Outputs, in_float32, in_order, run_model


def spread(model):
    """Gives the head's class weights a scale at which scores differ visibly from sample to sample."""
    for parameter in model.cls_head.parameters():
        nn.init.normal_(parameter, std=0.1)
    return model


@pytest.mark.parametrize('name', families.params())
def test_logits_equal_the_models_own_head_path_and_shapes_are_as_promised(name):
    model = spread(families.build(name)).eval()
    inputs = families.inputs(name, batch=2)
    with torch.no_grad():
        outputs = run_model(model, inputs)
        stock, _ = model.extract_feat(inputs, stage='head')
    assert torch.equal(outputs.logits, stock)
    assert outputs.logits.shape == (2, families.NUM_CLASSES)
    assert not torch.equal(outputs.logits[0], outputs.logits[1])
    assert outputs.grid.shape == (2, *families.FAMILIES[name].grid)
    assert outputs.pooled.shape == outputs.grid.shape[:2]
    assert outputs.extras == {}


@pytest.mark.parametrize('name', families.params())
def test_samples_do_not_mix(name):
    """A sample's rows are its own: alone or beside another it gives the same features."""
    model = families.build(name).eval()
    inputs = families.inputs(name, batch=2)
    with torch.no_grad():
        both, second = run_model(model, inputs), run_model(model, inputs[1:])
    torch.testing.assert_close(both.grid[1:], second.grid, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(both.pooled[1:], second.pooled, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(both.logits[1:], second.logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('name', families.params())
def test_gradients_of_grid_and_logits_reach_the_backbone(name):
    model = spread(families.build(name)).train()
    inputs = families.inputs(name, batch=2)
    for part in ('grid', 'pooled', 'logits'):
        model.zero_grad()
        torch.manual_seed(0)
        getattr(run_model(model, inputs), part).square().sum().backward()
        first = next(parameter for parameter in model.backbone.parameters() if parameter.requires_grad)
        assert first.grad is not None and first.grad.abs().sum() > 0, part


@pytest.mark.parametrize('name', ['slowonly', 'slowfast', 'mvit', 'videomae'])
def test_several_clips_of_a_sample_give_one_row_each_sample_by_sample(name):
    model = families.build(name).eval()
    clips = torch.cat([families.inputs(name, batch=2) for _ in range(3)], dim=1)  # (2, 3, C, T, H, W)
    with torch.no_grad():
        outputs = run_model(model, clips)
        single = run_model(model, clips[1:, 2:])
    assert outputs.logits.shape[0] == outputs.grid.shape[0] == outputs.pooled.shape[0] == 6
    torch.testing.assert_close(outputs.grid[5:], single.grid, rtol=1e-4, atol=1e-4)


def test_segments_become_the_frames_of_the_grid_in_order():
    model = families.build('tsn').eval()
    inputs = families.inputs('tsn', batch=2)
    with torch.no_grad():
        outputs = run_model(model, inputs)
        frame = model.backbone(inputs[1, 2:3])
    torch.testing.assert_close(outputs.grid[1, :, 2], frame[0], rtol=1e-4, atol=1e-5)


def test_mvit_pools_by_its_class_token():
    model = families.build('mvit').eval()
    inputs = families.inputs('mvit', batch=2)
    with torch.no_grad():
        outputs = run_model(model, inputs)
        grid, token = model.backbone(inputs[:, 0])[-1]
    assert torch.equal(outputs.pooled, token) and torch.equal(outputs.grid, grid)


def test_slowfast_pooled_features_are_what_its_classifier_reads():
    model = spread(families.build('slowfast')).eval()
    inputs = families.inputs('slowfast', batch=2)
    with torch.no_grad():
        outputs = run_model(model, inputs)
        torch.testing.assert_close(model.cls_head.fc_cls(outputs.pooled), outputs.logits)


@pytest.mark.parametrize('name', ['tpn_slowonly', 'tpn_tsm'])
def test_tpn_adds_its_auxiliary_loss_when_labels_are_given(name):
    model = families.build(name).train()
    samples = [ActionDataSample().set_gt_label(label) for label in (0, 3)]
    outputs = run_model(model, families.inputs(name, batch=2), samples)
    assert set(outputs.extras) == {'loss_aux'}
    assert outputs.extras['loss_aux'].requires_grad and outputs.extras['loss_aux'] > 0


@pytest.mark.parametrize(
    ('backbone', 'neck', 'head', 'grid'),
    [
        (
            dict(type='ResNet', depth=18),
            dict(type='GlobalAveragePooling'),
            dict(type='LinearClsHead', in_channels=512),
            (512, 1, 2, 2),
        ),
        (
            dict(type='VisionTransformer', arch='deit-t', img_size=64, patch_size=16, out_type='cls_token'),
            None,
            dict(type='VisionTransformerClsHead', in_channels=192),
            (192, 1, 1, 1),
        ),
        (
            dict(
                type='MlpMixer',
                arch=dict(embed_dims=16, num_layers=2, tokens_mlp_dims=8, channels_mlp_dims=16),
                img_size=64,
                patch_size=32,
            ),
            dict(type='GlobalAveragePooling', dim=1),
            dict(type='LinearClsHead', in_channels=16),
            (16, 1, 2, 2),
        ),
        (
            dict(type='DistilledVisionTransformer', arch='deit-tiny', img_size=64, patch_size=16),
            None,
            dict(type='DeiTClsHead', in_channels=192),
            (192, 1, 1, 1),
        ),
    ],
)
def test_image_classifiers_of_mmpretrain(backbone, neck, head, grid):
    cfg = dict(
        type='ImageClassifier', backbone=backbone, neck=neck, head=dict(num_classes=5, **head), _scope_='mmpretrain'
    )
    model = MODELS.build(copy.deepcopy(cfg)).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        outputs = run_model(model, images)
        assert torch.equal(outputs.logits, model.head(model.extract_feat(images)))
    assert outputs.grid.shape == (2, *grid) and outputs.pooled.shape == (2, grid[0])


def test_cells_of_a_mixer_keep_their_places():
    arch = dict(embed_dims=16, num_layers=1, tokens_mlp_dims=8, channels_mlp_dims=16)
    backbone = dict(type='MlpMixer', arch=arch, img_size=(32, 96), patch_size=16)
    cfg = dict(type='ImageClassifier', backbone=backbone, neck=dict(type='GlobalAveragePooling', dim=1))
    head = dict(type='LinearClsHead', num_classes=5, in_channels=16)
    model = MODELS.build(dict(cfg, head=head, _scope_='mmpretrain')).eval()
    images = torch.randn(2, 3, 32, 96)
    with torch.no_grad():
        outputs = run_model(model, images)
        cells = model.backbone(images)[-1]  # (N, C, 12)
    assert outputs.grid.shape == (2, 16, 1, 2, 6)
    assert torch.equal(outputs.grid[:, :, 0, 1, 2], cells[:, :, 8])


def test_pooled_features_of_a_distilled_deit_are_the_mean_of_its_two_tokens():
    arch = dict(embed_dims=16, num_layers=1, num_heads=2, feedforward_channels=16)
    backbone = dict(type='DistilledVisionTransformer', arch=arch, img_size=32)
    head = dict(type='DeiTClsHead', num_classes=5, in_channels=16)
    model = MODELS.build(dict(type='ImageClassifier', backbone=backbone, head=head, _scope_='mmpretrain')).eval()
    nn.init.normal_(model.backbone.dist_token)
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        outputs = run_model(model, images)
        ((token, distillation),) = model.backbone(images)
    assert not torch.equal(token, distillation)
    torch.testing.assert_close(outputs.pooled, (token + distillation) / 2)


@pytest.mark.parametrize(
    ('settings', 'grid', 'pooled_by_token'),
    [
        (dict(model_name='resmlp_12_224', img_size=64), (384, 1, 4, 4), False),
        (dict(model_name='vit_tiny_patch16_224', img_size=64, depth=2), (192, 1, 4, 4), True),
        (dict(model_name='resnet10t'), (512, 1, 2, 2), False),
        (
            dict(
                model_name='swin_tiny_patch4_window7_224', img_size=64, window_size=2, embed_dim=24, depths=(1, 1, 1, 1)
            ),
            (192, 1, 2, 2),
            False,
        ),
    ],
)
def test_models_of_timm_in_the_wrapper_of_mmpretrain(settings, grid, pooled_by_token):
    pytest.importorskip('timm')
    model = MODELS.build(dict(type='TimmClassifier', num_classes=5, _scope_='mmpretrain', **settings)).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        outputs = run_model(model, images)
        feats = model.extract_feat(images)
        assert torch.equal(outputs.logits, model(images))
        read = model.model.forward_head(feats, pre_logits=True)
    assert outputs.grid.shape == (2, *grid)
    if pooled_by_token:
        assert torch.equal(outputs.pooled, feats[:, 0])
    else:
        torch.testing.assert_close(outputs.pooled, read)  # what its class layer reads


def test_a_head_without_class_scores_is_an_error_that_names_it():
    cfg = dict(copy.deepcopy(families.FAMILIES['slowonly'].model), _scope_='mmaction')
    cfg['cls_head'] = dict(type='FeatureHead', spatial_type=None)
    model = MODELS.build(cfg).eval()
    with pytest.raises(ConfigError, match='FeatureHead'):
        run_model(model, families.inputs('slowonly', batch=1))


def test_features_of_an_unknown_form_are_an_error_that_shows_it():
    model = families.build('slowonly').eval()
    model.backbone = nn.Flatten(2)
    model.cls_head = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten(1), nn.Linear(3, 2))
    model.cls_head.forward = lambda x, **kwargs: nn.Sequential.forward(model.cls_head, x)
    with pytest.raises(ConfigError, match=r'\(1, 3, 16384\)'):
        run_model(model, families.inputs('slowonly', batch=1))


def test_a_module_that_is_no_recognizer_is_an_error():
    with pytest.raises(ConfigError, match='Linear'):
        run_model(nn.Linear(2, 2), torch.zeros(1, 2))


def test_what_terms_read_lies_in_memory_as_a_cache_gives_it_again():
    tokens = torch.randn(2, 5, 6, dtype=torch.float64)  # of a class token and four cells
    grid = tokens[:, 1:].transpose(1, 2).reshape(2, 6, 4, 1, 1).expand(-1, -1, -1, 2, 2)
    outputs = in_order(in_float32(Outputs(torch.randn(3, 2).t(), tokens[:, 0], grid)))
    read = (
        outputs.logits,
        outputs.pooled,
        outputs.grid,
        outputs.cells((4, 2, 2)),
        outputs.cells((2, 2, 2), (0.25, 0.75)),
    )
    assert all(value.is_contiguous() for value in read)
