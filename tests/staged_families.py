"""Small models of every family that divides, with a batch for each."""

import copy

import torch
from mmengine.registry import MODELS

CLASSES = 5


def picture(backbone: dict, head: dict, gap: int | None = None, size: int = 64, map_shape: tuple = ()) -> dict:
    neck = dict(type='GlobalAveragePooling', dim=gap) if gap else None
    model = dict(type='ImageClassifier', backbone=backbone, neck=neck, head=dict(num_classes=CLASSES, **head))
    return dict(scope='mmpretrain', model=model, inputs=(3, size, size), third=map_shape)


def clip(backbone: dict, head: dict, frames: int = 8, size: int = 32, grid: tuple = ()) -> dict:
    model = dict(type='Recognizer3D', backbone=backbone, cls_head=dict(num_classes=CLASSES, **head))
    return dict(scope='mmaction', model=model, inputs=(2, 3, frames, size, size), third=grid)


def _linear(channels: int) -> dict:
    return dict(type='LinearClsHead', in_channels=channels)


def _i3d(channels: int) -> dict:
    return dict(type='I3DHead', in_channels=channels, dropout_ratio=0.5)


_VIT_ARCH = dict(embed_dims=16, num_layers=6, num_heads=2, feedforward_channels=32)
_VIT = dict(arch=_VIT_ARCH, img_size=64, patch_size=16, drop_rate=0.1, drop_path_rate=0.3)
_TOKEN_HEAD = dict(type='VisionTransformerClsHead', in_channels=16)
_SWIN_ARCH = dict(embed_dims=8, depths=[1, 2, 2, 2], num_heads=[1, 2, 2, 4])
_RESNET3D = dict(depth=18, pretrained=None, base_channels=4, norm_eval=False, zero_init_residual=False)

STAGED = {
    'resnet': picture(dict(type='ResNet', depth=18), _linear(512), gap=2, map_shape=(256, 1, 4, 4)),
    'resnet_v1d': picture(
        dict(type='ResNetV1d', depth=50, base_channels=4, stem_channels=4, zero_init_residual=False),
        _linear(128),
        gap=2,
        map_shape=(64, 1, 4, 4),
    ),
    'resnet_cifar': picture(
        dict(type='ResNet_CIFAR', depth=18), _linear(512), gap=2, size=32, map_shape=(256, 1, 8, 8)
    ),
    'mobilenet_v2': picture(dict(type='MobileNetV2', widen_factor=0.25), _linear(1280), gap=2, map_shape=(24, 1, 4, 4)),
    'convnext': picture(
        dict(
            type='ConvNeXt',
            arch=dict(depths=[1, 1, 2, 1], channels=[8, 16, 24, 32]),
            drop_path_rate=0.3,
            layer_scale_init_value=0.5,
        ),
        _linear(32),
        map_shape=(24, 1, 4, 4),
    ),
    'convnext_norm_first': picture(
        dict(
            type='ConvNeXt',
            arch=dict(depths=[1, 1, 2, 1], channels=[8, 16, 24, 32]),
            layer_scale_init_value=0.5,
            gap_before_final_norm=False,
        ),
        _linear(32),
        gap=2,
        map_shape=(24, 1, 4, 4),
    ),
    'swin': picture(
        dict(type='SwinTransformer', arch=_SWIN_ARCH, img_size=64, window_size=2, drop_path_rate=0.3),
        _linear(64),
        gap=2,
        map_shape=(32, 1, 4, 4),
    ),
    'swin_positions': picture(
        dict(
            type='SwinTransformer',
            arch=_SWIN_ARCH,
            img_size=32,
            window_size=2,
            use_abs_pos_embed=True,
            out_after_downsample=True,
            drop_rate=0.1,
        ),
        _linear(64),
        gap=2,
        map_shape=(32, 1, 4, 4),
    ),
    'vit': picture(dict(type='VisionTransformer', **_VIT), _TOKEN_HEAD, map_shape=(16, 1, 4, 4)),
    'vit_other_size': picture(
        dict(type='VisionTransformer', pre_norm=True, **dict(_VIT, img_size=32)), _TOKEN_HEAD, map_shape=(16, 1, 4, 4)
    ),
    'vit_mean': picture(
        dict(type='VisionTransformer', out_type='avg_featmap', with_cls_token=False, **_VIT),
        _linear(16),
        map_shape=(16, 1, 4, 4),
    ),
    'deit_distilled': picture(
        dict(type='DistilledVisionTransformer', **_VIT),
        dict(type='DeiTClsHead', in_channels=16),
        map_shape=(16, 1, 4, 4),
    ),
    'mixer': picture(
        dict(
            type='MlpMixer',
            arch=dict(embed_dims=16, num_layers=5, tokens_mlp_dims=8, channels_mlp_dims=32),
            img_size=64,
            drop_rate=0.1,
            drop_path_rate=0.3,
        ),
        _linear(16),
        gap=1,
        map_shape=(16, 1, 4, 4),
    ),
    'resmlp': dict(
        scope='mmpretrain',
        model=dict(
            type='TimmClassifier',
            model_name='resmlp_12_224',
            img_size=64,
            num_classes=CLASSES,
            drop_path_rate=0.3,
            drop_rate=0.1,
        ),
        inputs=(3, 64, 64),
        third=(384, 1, 4, 4),
    ),
    'x3d': clip(
        dict(type='X3D', gamma_w=0.5, gamma_b=2.25, gamma_d=0.6),
        dict(type='X3DHead', in_channels=288, dropout_ratio=0.5, fc1_bias=False),
        frames=4,
        size=64,
        grid=(64, 4, 4, 4),
    ),
    'i3d': clip(
        dict(
            type='ResNet3d',
            pretrained2d=False,
            inflate=(1, 1, 1, 1),
            conv1_stride_t=2,
            pool1_stride_t=2,
            **_RESNET3D,
        ),
        _i3d(32),
        16,
        64,
        (16, 2, 4, 4),
    ),
    'slowonly': clip(
        dict(type='ResNet3dSlowOnly', pretrained2d=False, lateral=False, **_RESNET3D), _i3d(32), 4, 64, (16, 4, 4, 4)
    ),
    'csn': clip(
        dict(
            type='ResNet3dCSN',
            pretrained2d=False,
            with_pool2=False,
            bottleneck_mode='ir',
            **dict(_RESNET3D, depth=50),
        ),
        _i3d(128),
        8,
        64,
        (64, 2, 4, 4),
    ),
    'r2plus1d': clip(
        dict(
            type='ResNet2Plus1d',
            pretrained2d=False,
            conv_cfg=dict(type='Conv2plus1d'),
            conv1_kernel=(3, 7, 7),
            conv1_stride_t=1,
            pool1_stride_t=1,
            inflate=(1, 1, 1, 1),
            spatial_strides=(1, 2, 2, 2),
            temporal_strides=(1, 2, 2, 2),
            **_RESNET3D,
        ),
        _i3d(32),
        8,
        64,
        (16, 2, 4, 4),
    ),
    'c2d': clip(dict(type='C2D', depth=18, pretrained=None, norm_eval=False), _i3d(512), 4, 64, (256, 2, 4, 4)),
    'mvit': clip(
        dict(
            type='MViT',
            arch=dict(embed_dims=8, num_layers=6, num_heads=1, downscale_indices=[1, 2, 5]),
            temporal_size=8,
            spatial_size=64,
            drop_path_rate=0.2,
        ),
        dict(type='MViTHead', in_channels=64),
        size=64,
        grid=(32, 4, 4, 4),
    ),
    'video_swin': clip(
        dict(
            type='SwinTransformer3D',
            arch=_SWIN_ARCH,
            pretrained2d=False,
            patch_size=(2, 4, 4),
            window_size=(2, 4, 4),
            drop_path_rate=0.3,
        ),
        _i3d(64),
        size=64,
        grid=(32, 4, 4, 4),
    ),
    'uniformer': clip(
        dict(
            type='UniFormer',
            img_size=64,
            depth=[1, 2, 2, 1],
            embed_dim=[16, 32, 32, 64],
            head_dim=16,
            drop_path_rate=0.3,
        ),
        _i3d(64),
        size=64,
        grid=(32, 4, 4, 4),
    ),
    'videomae': clip(
        dict(
            type='VisionTransformer',
            img_size=32,
            patch_size=16,
            embed_dims=16,
            depth=5,
            num_heads=2,
            num_frames=8,
            drop_path_rate=0.3,
        ),
        dict(type='TimeSformerHead', in_channels=16),
        size=64,
        grid=(16, 4, 4, 4),
    ),
}
"""By name: ``scope`` and ``model``, the config; ``inputs``, the shape of one sample; ``third``, (C, T, H, W) of the
features after three stages."""


def build(name: str, **backbone) -> torch.nn.Module:
    """Builds a model with random weights of visible scale, its buffers and tokens included."""
    family = STAGED[name]
    cfg = copy.deepcopy(family['model'])
    if backbone:
        cfg['backbone'] = dict(cfg['backbone'], **backbone)
    torch.manual_seed(0)
    model = MODELS.build(dict(cfg, _scope_=family['scope']))
    for parameter in model.parameters():
        with torch.no_grad():
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
    return model


def batch(name: str, count: int = 2) -> torch.Tensor:
    """Normalised random inputs, (count, 3, H, W) or (count, 2 clips, 3, T, H, W)."""
    return torch.randn(count, *STAGED[name]['inputs'], generator=torch.Generator().manual_seed(1))
