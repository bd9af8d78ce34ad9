"""Exits from stages, by the kind of model."""

import pytest
import torch
from torch import nn

from mmdualkd.heads import Exit

LAST = (16, 2, 2, 2)


@pytest.mark.parametrize('kind', ['cnn', 'vit', 'mlp'])
@pytest.mark.parametrize('stage, shape', [(1, (4, 2, 12, 12)), (3, (8, 2, 3, 3)), (4, LAST)])
def test_every_stage_is_scored_and_samples_do_not_see_each_other(kind, stage, shape):
    torch.manual_seed(0)
    leave = Exit(kind, stage, shape, LAST, width=24, classes=5)
    grid = torch.randn(3, *shape)
    scores = leave(grid)
    assert scores.shape == (3, 5)
    torch.testing.assert_close(leave(grid[:1]), scores[:1])
    scores.square().sum().backward()
    assert all(weight.grad.any() for name, weight in leave.named_parameters() if 'bias' not in name)


@pytest.mark.parametrize('stage, widths', [(1, [4, 8, 16, 24]), (2, [8, 16, 24]), (3, [16, 24]), (4, [16, 24])])
def test_a_cnns_exit_has_a_layer_for_each_stage_to_come_and_doubles_widths_up_to_the_last(stage, widths):
    leave = Exit('cnn', stage, (widths[0], 1, 8, 8), LAST, width=24, classes=5)
    pointwise = [layer for layer in leave.modules() if isinstance(layer, nn.Conv3d) and layer.groups == 1]
    assert [layer.in_channels for layer in pointwise] + [pointwise[-1].out_channels] == widths
    deep = [layer for layer in leave.modules() if isinstance(layer, nn.Conv3d) and layer.kernel_size[1] == 3]
    assert len(deep) == 4 - stage and all(layer.kernel_size[0] == 1 for layer in deep)  # a picture has one frame
    side = 8 // 2 ** (4 - stage)  # each halves height and width
    assert leave.layers(torch.zeros(1, widths[0], 3, 8, 8)).shape == (1, 24, 3, side, side)


def test_other_kinds_have_a_block_for_each_stage_to_come_and_one_for_the_last():
    counts = [len(Exit('vit', stage, (8, 1, 4, 4), LAST, width=24, classes=5).layers) for stage in (1, 2, 3, 4)]
    assert counts == [3, 2, 1, 1]
