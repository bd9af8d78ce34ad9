import subprocess
import sys

import pytest
import torch
from staged_families import STAGED, batch, build
from torch import nn

from mmdualkd.errors import ConfigError
from mmdualkd.outputs import run_model
from mmdualkd.stages import Division, Features, StagedModel, divide
from mmdualkd.stages.division import clip_stages, stage_ends

KINDS = dict.fromkeys(STAGED, 'vit')
KINDS |= dict.fromkeys(
    ('resnet', 'resnet_v1d', 'resnet_cifar', 'mobilenet_v2', 'convnext', 'convnext_norm_first'), 'cnn'
)
KINDS |= dict.fromkeys(('x3d', 'i3d', 'slowonly', 'csn', 'r2plus1d', 'c2d'), 'cnn') | dict(mixer='mlp', resmlp='mlp')


def step(model, run, name):
    """One training step's outputs, gradients and buffers, from a fixed seed."""
    model.zero_grad()
    torch.manual_seed(3)
    outputs = run(batch(name))
    (outputs.logits.square().sum() + outputs.grid.sin().sum() + outputs.pooled.sum()).backward()
    gradients = {key: value.grad for key, value in model.named_parameters()}
    return outputs, gradients, {key: value.clone() for key, value in model.named_buffers()}


def assert_same_outputs(one, other):
    for part in ('logits', 'pooled', 'grid'):
        assert torch.equal(getattr(one, part), getattr(other, part)), part


@pytest.mark.parametrize('name', STAGED)
def test_stages_one_after_the_other_give_the_models_own_outputs_bit_for_bit(name):
    model = build(name).eval()
    staged = StagedModel(model)
    with torch.no_grad():
        whole = run_model(model, batch(name))
        parts, third = staged.run(batch(name))
        own = model(batch(name), mode='tensor') if STAGED[name]['scope'] == 'mmpretrain' else whole.logits
    assert_same_outputs(parts, whole)
    assert torch.equal(parts.logits, own)
    assert not torch.equal(parts.logits[0], parts.logits[1])
    rows = 4 if STAGED[name]['scope'] == 'mmaction' else 2  # two samples of two clips, or two pictures
    assert third.grid.shape == (rows, *STAGED[name]['third'])
    assert staged.kind == KINDS[name]


@pytest.mark.parametrize('name', STAGED)
def test_a_training_step_is_the_same_bit_for_bit_gradients_drop_path_and_running_statistics_included(name):
    whole, parts = build(name).train(), build(name).train()
    expected = step(whole, lambda x: run_model(whole, x), name)
    got = step(parts, lambda x: StagedModel(parts).run(x)[0], name)
    assert_same_outputs(got[0], expected[0])
    assert [key for key, value in expected[1].items() if value is not None]
    for key, value in expected[1].items():
        assert (value is None) == (got[1][key] is None), key
        assert value is None or torch.equal(got[1][key], value), key
    for key, value in expected[2].items():
        assert torch.equal(got[2][key], value), key


@pytest.mark.parametrize('name', STAGED)
def test_the_last_stage_runs_on_features_of_another_model_and_hands_their_gradient_back(name):
    model = build(name).eval()
    with torch.no_grad():
        third = StagedModel(model).run(batch(name))[1]
    model.requires_grad_(False)
    foreign = torch.randn(third.grid.shape).requires_grad_()
    outputs = StagedModel(model).last(Features(foreign))
    assert outputs.logits.shape == (len(foreign), 5)
    outputs.logits.square().sum().backward()
    assert foreign.grad.abs().flatten(1).sum(1).min() > 0


@pytest.mark.parametrize('with_token', [False, True])
def test_mvit_divides_without_its_class_token_and_with_widths_that_grow_before_the_grid_shrinks(with_token):
    from mmaction.models import MViT

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


@pytest.mark.parametrize('num_extra', [0, 1, 2])
def test_tokens_become_a_grid_and_back_without_a_change(num_extra):
    tokens = torch.randn(2, num_extra + 2 * 3 * 4, 5)
    features = Features.from_tokens(tokens, (2, 3, 4), num_extra)
    assert torch.equal(features.to_tokens(num_extra), tokens)
    assert features.grid.shape == (2, 5, 2, 3, 4) and features.shape == (2, 3, 4)
    assert torch.equal(features.grid[:, :, 1, 2, 3], tokens[:, -1])
    assert torch.equal(features.grid[:, :, 0, 0, 1], tokens[:, num_extra + 1])
    assert (features.extra is None) if num_extra == 0 else torch.equal(features.extra, tokens[:, :num_extra])


def test_a_grid_becomes_tokens_and_back_without_a_change():
    grid, extra = torch.randn(2, 5, 2, 3, 4), torch.randn(2, 2, 5)
    back = Features.from_tokens(Features(grid, extra).to_tokens(2), (2, 3, 4), 2)
    assert torch.equal(back.grid, grid) and torch.equal(back.extra, extra)


def test_a_grid_without_class_token_gets_the_mean_of_its_cells_as_one():
    grid = torch.randn(2, 5, 1, 3, 4)
    tokens = Features(grid).to_tokens(2)
    assert tokens.shape == (2, 14, 5)
    torch.testing.assert_close(tokens[:, 0], grid.mean((2, 3, 4)))
    assert torch.equal(tokens[:, 0], tokens[:, 1])


@pytest.mark.parametrize('name', ['vit', 'deit_distilled', 'mvit'])
def test_class_tokens_travel_with_the_features_and_reach_the_scores(name):
    model = build(name).eval()
    staged = StagedModel(model)
    with torch.no_grad():
        outputs, third = staged.run(batch(name))
        assert third.extra.shape[1] == (2 if name == 'deit_distilled' else 1)
        other = staged.last(Features(third.grid, third.extra + 1))
    assert not torch.equal(other.logits, outputs.logits)


def test_positions_matter_in_the_staged_run():
    model = build('vit').eval()
    with torch.no_grad():
        before = StagedModel(model).run(batch('vit'))[0].logits
        model.backbone.pos_embed += torch.randn_like(model.backbone.pos_embed)
        assert not torch.equal(StagedModel(model).run(batch('vit'))[0].logits, before)


@pytest.mark.parametrize(
    ('depth', 'ends'),
    [(12, [2, 4, 10, 12]), (6, [1, 2, 5, 6]), (4, [1, 2, 3, 4]), (5, [1, 2, 4, 5]), (24, [4, 8, 20, 24])],
)
def test_models_of_equal_blocks_end_their_stages_in_the_proportion_of_2_4_10_12(depth, ends):
    assert stage_ends(depth) == ends


def test_mobilenet_v2_has_the_published_stages():
    from mmpretrain.models import MobileNetV2

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


@pytest.mark.parametrize('name', ['resnet', 'convnext', 'swin', 'video_swin', 'x3d'])
def test_checkpointing_of_activations_changes_no_bit(name):
    backbone = dict(with_cp=True) if name != 'swin' else dict(with_cp=True, drop_path_rate=0.0)
    whole, parts = build(name, **backbone).train(), build(name, **backbone).train()
    expected = step(whole, lambda x: run_model(whole, x), name)
    got = step(parts, lambda x: StagedModel(parts).run(x)[0], name)
    assert_same_outputs(got[0], expected[0])
    for key, value in expected[1].items():
        assert value is None or torch.equal(got[1][key], value), key


def test_checkpointing_of_a_timm_model_is_kept(monkeypatch):
    from torch.utils import checkpoint

    model, calls = build('resmlp').train(), []
    model.model.set_grad_checkpointing()
    inner = checkpoint.checkpoint
    monkeypatch.setattr(checkpoint, 'checkpoint', lambda *args, **kwargs: calls.append(1) or inner(*args, **kwargs))
    plain = build('resmlp').train()
    expected = step(plain, lambda x: run_model(plain, x), 'resmlp')
    got = step(model, lambda x: StagedModel(model).run(x)[0], 'resmlp')
    assert calls
    assert_same_outputs(got[0], expected[0])
    for key, value in expected[1].items():
        assert torch.equal(got[1][key], value), key


@pytest.mark.parametrize('name', ['resnet', 'swin', 'vit', 'mixer', 'mvit', 'x3d'])
def test_mixed_precision_changes_no_bit_between_the_two_ways(name):
    whole, parts = build(name).train(), build(name).train()
    with torch.autocast('cpu', torch.bfloat16):
        expected = step(whole, lambda x: run_model(whole, x), name)
        got = step(parts, lambda x: StagedModel(parts).run(x)[0], name)
    assert_same_outputs(got[0], expected[0])
    for key, value in expected[1].items():
        assert value is None or torch.equal(got[1][key], value), key


@pytest.mark.parametrize(('name', 'frozen'), [('resnet', 2), ('swin', 1), ('vit', 3), ('x3d', 2)])
def test_frozen_stages_stay_frozen_and_the_rest_trains_the_same(name, frozen):
    models = []
    for _ in range(2):
        models.append(build(name, frozen_stages=frozen).train())
    whole, parts = models
    expected = step(whole, lambda x: run_model(whole, x), name)
    got = step(parts, lambda x: StagedModel(parts).run(x)[0], name)
    without = [key for key, value in got[1].items() if value is None]
    assert without and without == [key for key, value in expected[1].items() if value is None]
    assert all(value is None or torch.equal(got[1][key], value) for key, value in expected[1].items())
    assert all(torch.equal(got[2][key], value) for key, value in expected[2].items())


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
    from mmpretrain.models import DeiT3

    with pytest.raises(ConfigError, match=r'DeiT3 is not divided.*mmaction\.MViT.*timm\.MlpMixer.*divide\.register'):
        divide(DeiT3(arch='small', img_size=32))


def test_a_model_of_segments_is_an_error_that_says_so():
    import families

    with pytest.raises(ConfigError, match=r'ResNetTSM is not divided.*not as models of segments'):
        StagedModel(families.build('tsm'))


def test_a_segment_model_on_a_backbone_that_divides_is_an_error_as_well():
    from mmaction.registry import MODELS

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


def test_importing_stages_imports_no_model_zoo():
    code = (
        'import sys, mmdualkd.stages; '
        'assert not {"mmaction.models", "mmpretrain.models", "timm"} & set(sys.modules), "a zoo was imported"'
    )
    subprocess.run([sys.executable, '-c', code], check=True)
