"""How MMAction2's backbones for clips divide. Imported when one of them is divided for the first time."""

import functools

import torch
import torch.nn.functional as F
from mmaction.models.backbones import (
    C2D,
    X3D,
    MViT,
    ResNet2Plus1d,
    ResNet3d,
    SwinTransformer3D,
    UniFormer,
    VisionTransformer,
)
from mmaction.models.backbones.mvit import resize_pos_embed
from torch import Tensor, nn

from .division import Division, check_stages, clip_stages, divide, in_turn, token_stages
from .features import Features


@divide.register
def _(backbone: X3D) -> Division:
    check_stages(backbone, len(backbone.res_layers), [3])
    first, second, third, fourth = _layers(backbone)
    stages = clip_stages([backbone.conv1_s, backbone.conv1_t, first], [second], [third], [fourth, backbone.conv5])
    return Division('cnn', stages, _grid_alone)


@divide.register
def _(backbone: ResNet3d) -> Division:
    """Also SlowOnly, CSN and I3D. The pooling over time after the first layer opens the second stage."""
    check_stages(backbone, len(backbone.res_layers), backbone.out_indices)
    first, second, third, fourth = _layers(backbone)
    stem = [backbone.conv1, backbone.maxpool] if backbone.with_pool1 else [backbone.conv1]
    pool = [backbone.pool2] if backbone.with_pool2 else []
    return Division('cnn', clip_stages([*stem, first], [*pool, second], [third], [fourth]), _grid_alone)


@divide.register
def _(backbone: ResNet2Plus1d) -> Division:
    check_stages(backbone, len(backbone.res_layers), [3])
    first, second, third, fourth = _layers(backbone)
    stem = [backbone.conv1, backbone.maxpool]
    return Division('cnn', clip_stages([*stem, first], [second], [third], [fourth]), _grid_alone)


@divide.register
def _(backbone: C2D) -> Division:
    """Its layers run frame by frame; the pooling over time after the first layer opens the second stage."""
    check_stages(backbone, len(backbone.res_layers), backbone.out_indices)
    first, second, third, fourth = (_frame_by_frame(layer) for layer in _layers(backbone))
    stem = [_frame_by_frame(backbone.conv1), backbone.maxpool3d_1]
    return Division('cnn', clip_stages([*stem, first], [backbone.maxpool3d_2, second], [third], [fourth]), _grid_alone)


def _frame_by_frame(module: nn.Module) -> object:
    """A function of grids (N, C, T, H, W) that applies a module of maps to every frame."""

    def run(grid: Tensor) -> Tensor:
        maps = module(grid.transpose(1, 2).reshape(-1, *grid.shape[1:2], *grid.shape[3:]))
        return maps.reshape(len(grid), -1, *maps.shape[1:]).transpose(1, 2)

    return run


@divide.register
def _(backbone: UniFormer) -> Division:
    def stage(number: int) -> list:
        drop = [backbone.pos_drop] if number == 1 else []
        return [getattr(backbone, f'patch_embed{number}'), *drop, *getattr(backbone, f'blocks{number}')]

    return Division('vit', clip_stages(*map(stage, (1, 2, 3, 4))), lambda features: backbone.norm(features.grid))


@divide.register
def _(backbone: SwinTransformer3D) -> Division:
    check_stages(backbone, len(backbone.layers), backbone.out_indices)

    def blocks(number: int) -> list:
        layer = functools.partial(backbone.layers[number], do_downsample=False)
        return [torch.Tensor.contiguous, layer, _channels_first]

    def stage(number: int) -> list:
        return [_channels_last, backbone.layers[number - 1].downsample, _channels_first, *blocks(number)]

    def finish(features: Features) -> Tensor:
        return _channels_first(backbone.norm3(_channels_last(features.grid))).contiguous()

    stem = [backbone.patch_embed, backbone.pos_drop]
    return Division('vit', clip_stages([*stem, *blocks(0)], *map(stage, (1, 2, 3))), finish)


def _channels_last(grid: Tensor) -> Tensor:
    return grid.permute(0, 2, 3, 4, 1)


def _channels_first(grid: Tensor) -> Tensor:
    return grid.permute(0, 4, 1, 2, 3)


@divide.register
def _(backbone: MViT) -> Division:
    """A block that shrinks the grid opens a stage; widths may change within one."""
    check_stages(backbone, backbone.num_scales, backbone.out_scales)
    num_extra = int(backbone.with_cls_token)
    bounds = [0, *backbone.downscale_indices, backbone.num_layers]
    parts = [list(backbone.blocks)[start:end] for start, end in zip(bounds, bounds[1:], strict=False)]

    def first(inputs: Tensor) -> Features:
        x, shape = backbone.patch_embed(inputs)
        x = torch.cat((backbone.cls_token.expand(len(x), -1, -1), x), dim=1)
        if backbone.use_abs_pos_embed:
            x = x + resize_pos_embed(
                backbone.pos_embed,
                backbone.patch_resolution,
                shape,
                mode=backbone.interpolate_mode,
                num_extra_tokens=backbone.num_extra_tokens,
            )
        return blocks(parts[0], x if num_extra else x[:, 1:], shape)

    def later(part: list, features: Features) -> Features:
        return blocks(part, features.to_tokens(num_extra), features.shape)

    def blocks(part: list, x: Tensor, shape: tuple[int, int, int]) -> Features:
        x, shape = in_turn([lambda state, block=block: block(*state) for block in part], (x, shape))
        return Features.from_tokens(x, shape, num_extra)

    def finish(features: Features) -> tuple:
        x = Features.from_tokens(backbone.norm3(features.to_tokens(num_extra)), features.shape, num_extra)
        grid = x.grid.contiguous()
        return ([grid, x.extra[:, 0] if num_extra else None] if backbone.output_cls_token else grid,)

    return Division('vit', (first, *(functools.partial(later, part) for part in parts[1:])), finish)


@divide.register
def _(backbone: VisionTransformer) -> Division:
    """The plain video transformer of VideoMAE."""
    side = backbone.patch_size

    def embed(inputs: Tensor) -> tuple[Tensor, tuple[int, int, int]]:
        height, width = inputs.shape[3] // side, inputs.shape[4] // side
        x = backbone.patch_embed(inputs)[0]
        positions = backbone.pos_embed
        if (height, width) != backbone.grid_size:
            positions = positions.reshape(-1, *backbone.grid_size, backbone.embed_dims).permute(0, 3, 1, 2)
            positions = F.interpolate(positions, size=(height, width), mode='bicubic', align_corners=False)
            positions = positions.permute(0, 2, 3, 1).reshape(1, -1, backbone.embed_dims)
        return backbone.pos_drop(x + positions), (x.shape[1] // (height * width), height, width)

    def finish(features: Features) -> Tensor:
        x = backbone.norm(features.to_tokens())
        if backbone.return_feat_map:
            return Features.from_tokens(x, features.shape).grid
        return x[:, 0] if backbone.fc_norm is None else backbone.fc_norm(x.mean(1))

    return Division('vit', token_stages(embed, backbone.blocks), finish)


def _layers(backbone: nn.Module) -> list[nn.Module]:
    return [getattr(backbone, name) for name in backbone.res_layers]


def _grid_alone(features: Features) -> Tensor:
    return features.grid
