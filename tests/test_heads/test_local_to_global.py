"""The projector from one stage's grid to another's."""

import pytest
import torch
import torch.nn.functional as F

from mmdualkd.heads import LocalToGlobal

SHAPES = [
    ((256, 1, 14, 14), (384, 1, 14, 14), (1, 1, 1)),  # ResNet18 to Swin-T or ViT-S
    ((96, 1, 14, 14), (768, 1, 14, 14), (1, 1, 1)),  # MobileNetV2 to Mixer-B
    ((64, 4, 8, 8), (270, 2, 4, 2), (2, 2, 4)),
    ((24, 13, 9, 15), (96, 13, 3, 5), (1, 3, 3)),
    ((24, 3, 7, 5), (96, 2, 4, 9), (1, 1, 1)),  # no multiples, one axis grows
    ((48, 1, 5, 5), (24, 8, 10, 10), (1, 1, 1)),
    ((7, 1, 1, 1), (13, 1, 7, 7), (1, 1, 1)),
    ((8, 2, 14, 14), (8, 1, 1, 1), (2, 14, 14)),
]


@pytest.mark.parametrize('in_shape, out_shape, patch', SHAPES)
def test_any_two_shapes_are_bridged_and_every_parameter_trains(in_shape, out_shape, patch):
    torch.manual_seed(0)
    module = LocalToGlobal(in_shape, out_shape)
    grid = torch.randn(2, *in_shape, requires_grad=True)
    out = module(grid)
    assert out.shape == (2, *out_shape)
    assert tuple(module.patch) == patch
    out.square().mean().backward()
    assert grid.grad.abs().sum() > 0
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name


def test_patch_embedding_is_a_convolution_whose_stride_is_its_kernel():
    torch.manual_seed(0)
    module = LocalToGlobal((6, 4, 6, 8), (16, 2, 2, 2)).double()
    grid = torch.randn(2, 6, 4, 6, 8, dtype=torch.float64)
    weight = module.embed.weight.view(16, 6, 2, 3, 4)
    embedded = F.conv3d(grid, weight, module.embed.bias, stride=(2, 3, 4)).movedim(1, -1)
    expected = module.block(module.norm(embedded), None).movedim(-1, 1)
    torch.testing.assert_close(module(grid), expected)


def test_grids_that_do_not_divide_are_averaged_or_stretched_first():
    torch.manual_seed(0)
    module = LocalToGlobal((6, 2, 5, 4), (16, 2, 3, 8)).double()
    grid = torch.randn(2, 6, 2, 5, 4, dtype=torch.float64)
    thirds = torch.tensor([[3, 2, 0, 0, 0], [0, 1, 3, 1, 0], [0, 0, 0, 2, 3]], dtype=torch.float64) / 5
    small = torch.einsum('rh,ncthw->nctrw', thirds, grid)
    fitted = F.interpolate(small, size=(2, 3, 8), mode='trilinear', align_corners=False)
    torch.testing.assert_close(module(grid), module(fitted))
    constant = torch.ones(1, 6, 2, 5, 4, dtype=torch.float64)
    torch.testing.assert_close(module(constant), module(torch.ones(1, 6, 2, 3, 8, dtype=torch.float64)))


@pytest.mark.parametrize('width, heads', [(24, 1), (96, 3), (270, 9), (384, 12), (768, 24), (192, 6), (13, 1), (1, 1)])
def test_heads_are_the_divisor_that_makes_them_about_32_wide(width, heads):
    assert LocalToGlobal((4, 1, 2, 2), (width, 1, 2, 2)).block.attn.num_heads == heads


@pytest.mark.parametrize(
    'grid, window', [((1, 14, 14), (1, 7, 7)), ((1, 7, 7), (1, 7, 7)), ((8, 4, 10), (4, 4, 5)), ((13, 1, 9), (7, 1, 5))]
)
def test_windows_divide_the_grid_evenly_and_are_clipped_to_it(grid, window):
    module = LocalToGlobal((4, 1, 2, 2), (8, *grid))
    assert module.block.window_size == window


def test_attention_reaches_all_of_a_window_and_nothing_beyond():
    torch.manual_seed(0)
    module = LocalToGlobal((4, 1, 14, 14), (8, 1, 14, 14))
    grid = torch.randn(1, 4, 1, 14, 14, requires_grad=True)
    module(grid)[0, :, 0, 0, 0].sum().backward()
    reached = grid.grad.abs().sum((0, 1, 2)) > 0
    assert reached[:7, :7].all() and not reached[7:].any() and not reached[:, 7:].any()


def test_tokens_start_at_unit_size_whatever_the_size_of_the_features():
    torch.manual_seed(0)
    module = LocalToGlobal((32, 1, 4, 4), (64, 1, 4, 4))
    for scale in (0.1, 1.0, 100.0):
        out = module(scale * torch.randn(4, 32, 1, 4, 4))
        assert 0.8 < out.std() < 1.2


def test_samples_do_not_see_each_other():
    torch.manual_seed(0)
    module, grid = LocalToGlobal((6, 1, 6, 6), (16, 1, 3, 3)).train(), torch.randn(3, 6, 1, 6, 6)
    torch.testing.assert_close(module(grid)[:1], module(grid[:1]))


def test_autocast_gives_about_the_same_and_finite_gradients():
    torch.manual_seed(0)
    module, grid = LocalToGlobal((16, 2, 4, 4), (32, 1, 4, 4)), torch.randn(2, 16, 2, 4, 4)
    with torch.autocast('cpu', torch.bfloat16):
        out = module(grid)
    torch.testing.assert_close(out.float(), module(grid), atol=0.05, rtol=0.05)
    out.float().square().mean().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in module.parameters())
