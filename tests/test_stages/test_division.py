"""Where stages end, by family; and models that are not divided."""

import families
import pytest
import torch
from mmaction.models import MViT
from mmengine.registry import MODELS
from mmpretrain.models import DeiT3, MobileNetV2
from staged_families import batch, build
from torch import nn

from mmdualkd.errors import ConfigError
from mmdualkd.outputs import run_model
from mmdualkd.stages import Division, StagedModel, divide
from mmdualkd.stages.division import clip_stages, stage_ends


@pytest.mark.parametrize('with_token', [False, True])
def test_mvit_divides_without_its_class_token_and_with_widths_that_grow_before_the_grid_shrinks(with_token):
    torch.manual_seed(0)
    backbone = MViT(
        arch=dict(embed_dims=8, num_layers=6, num_heads=1, downscale_indices=[1, 2, 5]),
        temporal_size=4,
        spatial_size=64,
        with_cls_token=with_token,
        output_cls_token=False,
        dim_mul_in_attention=False,
        use_abs_pos_embed=True,
    )
    nn.init.normal_(backbone.pos_embed)
    clips = torch.randn(2, 3, 8, 64, 64)  # other positions than its own
    division = divide(backbone)
    features, shapes = clips, []
    for stage in division.stages:
        features = stage(features)
        shapes.append(tuple(features.grid.shape[1:]))
    assert shapes == [(16, 4, 16, 16), (32, 4, 8, 8), (64, 4, 4, 4), (64, 4, 2, 2)]
    assert torch.equal(division.finish(features)[-1], backbone(clips)[-1])


@pytest.mark.parametrize(
    ('depth', 'ends'),
    [(12, [2, 4, 10, 12]), (6, [1, 2, 5, 6]), (4, [1, 2, 3, 4]), (5, [1, 2, 4, 5]), (24, [4, 8, 20, 24])],
)
def test_models_of_equal_blocks_end_their_stages_in_the_proportion_of_2_4_10_12(depth, ends):
    assert stage_ends(depth) == ends


def test_mobilenet_v2_has_the_published_stages():
    backbone = MobileNetV2()
    backbone.eval()
    shapes, features = [], torch.zeros(1, 3, 224, 224)
    with torch.no_grad():
        for stage in divide(backbone).stages:
            features = stage(features)
            shapes.append(tuple(features.grid.shape[1:]))
    assert shapes == [(24, 1, 56, 56), (32, 1, 28, 28), (96, 1, 14, 14), (1280, 1, 7, 7)]


@pytest.mark.parametrize(
    ('name', 'shapes'),
    [
        ('swin', [(8, 1, 16, 16), (16, 1, 8, 8), (32, 1, 4, 4), (64, 1, 2, 2)]),
        ('convnext', [(8, 1, 16, 16), (16, 1, 8, 8), (24, 1, 4, 4), (32, 1, 2, 2)]),
        ('video_swin', [(8, 4, 16, 16), (16, 4, 8, 8), (32, 4, 4, 4), (64, 4, 2, 2)]),
        ('i3d', [(4, 4, 16, 16), (8, 2, 8, 8), (16, 2, 4, 4), (32, 2, 2, 2)]),
        ('mvit', [(8, 4, 16, 16), (16, 4, 8, 8), (32, 4, 4, 4), (64, 4, 2, 2)]),
    ],
)
def test_features_are_taken_before_the_down_sampling_to_the_next_stage(name, shapes):
    model = build(name).eval()
    features, got = batch(name), []
    features = features.flatten(0, 1) if features.ndim == 6 else features
    with torch.no_grad():
        for stage in divide(model.backbone).stages:
            features = stage(features)
            got.append(tuple(features.grid.shape[1:]))
    assert got == shapes


def test_dividing_copies_no_weight():
    model = build('resnet').eval()
    staged = StagedModel(model)
    with torch.no_grad():
        before = staged.run(batch('resnet'))[0].logits
        model.backbone.layer4[0].conv1.weight.mul_(2)
        after = staged.run(batch('resnet'))[0].logits
        assert torch.equal(after, run_model(model, batch('resnet')).logits) and not torch.equal(after, before)


class Pyramid(nn.Module):
    """A backbone of one's own."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv3d(3 if i == 0 else 4, 4, 1) for i in range(4))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class Louder(Pyramid):
    """Another forward: what its base divides into is not what it runs."""

    def forward(self, x):
        return 2 * super().forward(x)


def test_a_family_of_ones_own_is_one_function_and_one_registration():
    backbone, clips = Pyramid(), torch.randn(2, 3, 2, 4, 4)
    with pytest.raises(ConfigError, match=r'Pyramid is not divided.*mmpretrain\.ResNet.*divide\.register'):
        divide(backbone)

    @divide.register
    def _(backbone: Pyramid) -> Division:
        return Division('cnn', clip_stages(*([layer] for layer in backbone.layers)), lambda features: features.grid)

    division, features = divide(backbone), clips
    for stage in division.stages:
        features = stage(features)
    assert torch.equal(division.finish(features), backbone(clips))
    with pytest.raises(ConfigError, match='Louder is not divided'):
        divide(Louder())


def test_an_unknown_family_is_an_error_that_names_it_and_the_known_ones():
    with pytest.raises(ConfigError, match=r'DeiT3 is not divided.*mmaction\.MViT.*timm\.MlpMixer.*divide\.register'):
        divide(DeiT3(arch='small', img_size=32))


def test_a_model_of_segments_is_an_error_that_says_so():
    with pytest.raises(ConfigError, match=r'ResNetTSM is not divided.*not as models of segments'):
        StagedModel(families.build('tsm'))


def test_a_segment_model_on_a_backbone_that_divides_is_an_error_as_well():
    backbone = dict(type='mmpretrain.ResNet', depth=18)
    head = dict(type='TSNHead', num_classes=5, in_channels=512)
    model = MODELS.build(dict(type='Recognizer2D', backbone=backbone, cls_head=head, _scope_='mmaction'))
    with pytest.raises(ConfigError, match='Recognizer2D reads segments'):
        StagedModel(model).run(torch.zeros(1, 3, 3, 32, 32))


@pytest.mark.parametrize(
    ('name', 'backbone', 'message'),
    [
        ('resnet', dict(out_indices=(2, 3)), r'ResNet is set to give the features numbered \[2, 3\]'),
        ('resnet', dict(num_stages=3, strides=(1, 2, 2), dilations=(1, 1, 1), out_indices=(2,)), 'ResNet has 3 stages'),
        ('vit', dict(arch=dict(embed_dims=8, num_layers=3, num_heads=2, feedforward_channels=8)), '3 blocks'),
    ],
)
def test_a_backbone_of_another_number_of_stages_or_outputs_is_an_error(name, backbone, message):
    with pytest.raises(ConfigError, match=message):
        StagedModel(build(name, **backbone))


def test_importing_stages_imports_no_model_zoo(with_us):
    code = (
        'import sys, mmdualkd.stages; '
        'assert not {"mmaction.models", "mmpretrain.models", "timm"} & set(sys.modules), "a zoo was imported"'
    )
    done = with_us.run_source(code)
    assert not done.returncode, done.stdout
