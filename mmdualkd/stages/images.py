"""How MMPretrain's backbones divide. Imported when one of them is divided for the first time."""

import functools

import torch
from mmpretrain.models.backbones import (
    ConvNeXt,
    DistilledVisionTransformer,
    MlpMixer,
    MobileNetV2,
    ResNet,
    ResNet_CIFAR,
    SwinTransformer,
    VisionTransformer,
)
from mmpretrain.models.utils import resize_pos_embed
from torch import Tensor

from .division import Division, check_stages, divide, picture_stages, token_stages
from .features import Features


@divide.register
def _(backbone: ResNet) -> Division:
    check_stages(backbone, len(backbone.res_layers), backbone.out_indices)
    stem = [backbone.stem] if backbone.deep_stem else [backbone.conv1, backbone.norm1, backbone.relu]
    return _resnet(backbone, [*stem, backbone.maxpool])


@divide.register
def _(backbone: ResNet_CIFAR) -> Division:
    check_stages(backbone, len(backbone.res_layers), backbone.out_indices)
    return _resnet(backbone, [backbone.conv1, backbone.norm1, backbone.relu])


def _resnet(backbone: ResNet, stem: list) -> Division:
    first, *others = [getattr(backbone, name) for name in backbone.res_layers]
    return Division('cnn', picture_stages([*stem, first], *([layer] for layer in others)), _map_alone)


@divide.register
def _(backbone: MobileNetV2) -> Division:
    """Stages of 24, 32, 96 and 1280 channels, at 1/4, 1/8, 1/16 and 1/32 of the picture's side."""
    check_stages(backbone, 4, backbone.out_indices, last=7)
    layers = [getattr(backbone, name) for name in backbone.layers]
    return Division(
        'cnn', picture_stages([backbone.conv1, *layers[:2]], layers[2:3], layers[3:5], layers[5:]), _map_alone
    )


@divide.register
def _(backbone: ConvNeXt) -> Division:
    check_stages(backbone, len(backbone.stages), backbone.out_indices)

    def finish(features: Features) -> tuple[Tensor]:
        x = features.to_map()
        if backbone.gap_before_final_norm:
            return (backbone.norm3(x.mean([-2, -1], keepdim=True)).flatten(1),)
        return (backbone.norm3(x),)

    return Division('cnn', picture_stages(*zip(backbone.downsample_layers, backbone.stages, strict=True)), finish)


@divide.register
def _(backbone: SwinTransformer) -> Division:
    check_stages(backbone, len(backbone.stages), backbone.out_indices)

    def first(inputs: Tensor) -> Features:
        x, hw = backbone.patch_embed(inputs)
        if backbone.use_abs_pos_embed:
            x = x + resize_pos_embed(
                backbone.absolute_pos_embed,
                backbone.patch_resolution,
                hw,
                backbone.interpolate_mode,
                backbone.num_extra_tokens,
            )
        return blocks(backbone.stages[0], backbone.drop_after_pos(x), hw)

    def later(number: int, features: Features) -> Features:
        x, hw = backbone.stages[number - 1].downsample(features.to_tokens(), features.shape[1:])
        return blocks(backbone.stages[number], x, hw)

    def blocks(stage: torch.nn.Module, x: Tensor, hw: tuple[int, int]) -> Features:
        x, hw = stage(x, hw, do_downsample=False)
        return Features.from_tokens(x, (1, *hw))

    def finish(features: Features) -> tuple[Tensor]:
        x = backbone.norm3(features.to_tokens())
        return (Features.from_tokens(x, features.shape).to_map().contiguous(),)

    return Division('vit', (first, *(functools.partial(later, number) for number in (1, 2, 3))), finish)


@divide.register
def _(backbone: VisionTransformer) -> Division:
    def embed(inputs: Tensor) -> tuple[Tensor, tuple[int, int, int]]:
        x, hw = backbone.patch_embed(inputs)
        if backbone.cls_token is not None:
            x = torch.cat((backbone.cls_token.expand(len(x), -1, -1), x), dim=1)
        return backbone.pre_norm(backbone.drop_after_pos(x + _positions(backbone, hw))), (1, *hw)

    return _vision_transformer(backbone, embed)


@divide.register
def _(backbone: DistilledVisionTransformer) -> Division:
    def embed(inputs: Tensor) -> tuple[Tensor, tuple[int, int, int]]:
        x, hw = backbone.patch_embed(inputs)
        tokens = [token.expand(len(x), -1, -1) for token in (backbone.cls_token, backbone.dist_token)]
        return backbone.drop_after_pos(torch.cat((*tokens, x), dim=1) + _positions(backbone, hw)), (1, *hw)

    return _vision_transformer(backbone, embed)


def _vision_transformer(backbone: VisionTransformer, embed: object) -> Division:
    check_stages(backbone, 4, backbone.out_indices, last=len(backbone.layers) - 1)

    def finish(features: Features) -> tuple:
        x = features.to_tokens(backbone.num_extra_tokens)
        if backbone.final_norm:
            x = backbone.ln1(x)
        return (backbone._format_output(x, features.shape[1:]),)

    return Division('vit', token_stages(embed, backbone.layers, backbone.num_extra_tokens), finish)


def _positions(backbone: VisionTransformer, hw: tuple[int, int]) -> Tensor:
    """The position embedding (1, K + H * W, C) at the grid's size."""
    return resize_pos_embed(
        backbone.pos_embed,
        backbone.patch_resolution,
        hw,
        mode=backbone.interpolate_mode,
        num_extra_tokens=backbone.num_extra_tokens,
    )


@divide.register
def _(backbone: MlpMixer) -> Division:
    check_stages(backbone, 4, backbone.out_indices, last=len(backbone.layers) - 1)

    def embed(inputs: Tensor) -> tuple[Tensor, tuple[int, int, int]]:
        assert inputs.shape[2:] == backbone.img_size, f'MlpMixer takes pictures of {backbone.img_size} alone'
        x, hw = backbone.patch_embed(inputs)
        return x, (1, *hw)

    def finish(features: Features) -> tuple[Tensor]:
        return (backbone.norm1(features.to_tokens()).transpose(1, 2),)

    return Division('mlp', token_stages(embed, backbone.layers), finish)


def _map_alone(features: Features) -> tuple[Tensor]:
    return (features.to_map(),)
