"""A model that runs stage by stage is the model, bit for bit."""

import pytest
import torch
from staged_families import STAGED, batch, build

from mmdualkd.outputs import run_model
from mmdualkd.stages import Features, StagedModel

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
        parts, (*_, third, last) = staged.run(batch(name))
        own = model(batch(name), mode='tensor') if STAGED[name]['scope'] == 'mmpretrain' else whole.logits
    assert_same_outputs(parts, whole)
    assert torch.equal(parts.logits, own)
    assert not torch.equal(parts.logits[0], parts.logits[1])
    rows = 4 if STAGED[name]['scope'] == 'mmaction' else 2  # two samples of two clips, or two pictures
    assert third.grid.shape == (rows, *STAGED[name]['third'])
    with torch.no_grad():
        assert torch.equal(staged.division.stages[3](third).grid, last.grid)
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
        third = StagedModel(model).run(batch(name))[1][2]
    model.requires_grad_(False)
    foreign = torch.randn(third.grid.shape).requires_grad_()
    outputs = StagedModel(model).last(Features(foreign))
    assert outputs.logits.shape == (len(foreign), 5)
    outputs.logits.square().sum().backward()
    assert foreign.grad.abs().flatten(1).sum(1).min() > 0


@pytest.mark.parametrize('name', ['vit', 'deit_distilled', 'mvit'])
def test_class_tokens_travel_with_the_features_and_reach_the_scores(name):
    model = build(name).eval()
    staged = StagedModel(model)
    with torch.no_grad():
        outputs, (*_, third, _) = staged.run(batch(name))
        assert third.extra.shape[1] == (2 if name == 'deit_distilled' else 1)
        other = staged.last(Features(third.grid, third.extra + 1))
    assert not torch.equal(other.logits, outputs.logits)


def test_positions_matter_in_the_staged_run():
    model = build('vit').eval()
    with torch.no_grad():
        before = StagedModel(model).run(batch('vit'))[0].logits
        model.backbone.pos_embed += torch.randn_like(model.backbone.pos_embed)
        assert not torch.equal(StagedModel(model).run(batch('vit'))[0].logits, before)


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
    whole, parts = (build(name, frozen_stages=frozen).train() for _ in range(2))
    expected = step(whole, lambda x: run_model(whole, x), name)
    got = step(parts, lambda x: StagedModel(parts).run(x)[0], name)
    without = [key for key, value in got[1].items() if value is None]
    assert without and without == [key for key, value in expected[1].items() if value is None]
    assert all(value is None or torch.equal(got[1][key], value) for key, value in expected[1].items())
    assert all(torch.equal(got[2][key], value) for key, value in expected[2].items())
