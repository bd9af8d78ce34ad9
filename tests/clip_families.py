"""Families of recognizers of clips (Recognizer3D)."""

from typing import Any

from family import IMAGENET, Family, recognizer, tpn_neck

GREY = dict(mean=[114.75] * 3, std=[57.375] * 3)
HALF = dict(mean=[127.5] * 3, std=[127.5] * 3)
C3D_MEAN = dict(mean=[104, 117, 128], std=[1, 1, 1])
_I3D = dict(type='I3DHead', spatial_type='avg', dropout_ratio=0.5, init_std=0.01)
_TOKEN = dict(type='TimeSformerHead')
_SLOW = dict(conv1_kernel=(1, 7, 7), conv1_stride_t=1, pool1_stride_t=1, norm_eval=False)
_PATHWAY = dict(type='resnet3d', depth=18, pretrained=None, conv1_stride_t=1, pool1_stride_t=1, norm_eval=False)


def _clips(backbone: dict, head: dict, norm: dict = IMAGENET, **others: Any) -> dict[str, Any]:
    """A recognizer of clips (NCTHW)."""
    return recognizer('Recognizer3D', 'NCTHW', norm, backbone, head, **others)


def _clip(length: int, size: int = 32) -> dict[str, int]:
    return dict(clip_len=length, frame_interval=1, num_clips=1, size=size)


CLIP_FAMILIES: dict[str, Family] = {
    'x3d': Family(
        _clips(
            dict(type='X3D', gamma_w=0.5, gamma_b=2.25, gamma_d=0.6),
            dict(type='X3DHead', in_channels=288, spatial_type='avg', dropout_ratio=0.5, fc1_bias=False),
            norm=GREY,
        ),
        _clip(4, size=64),
        (288, 4, 2, 2),
    ),
    'slowfast': Family(
        _clips(
            dict(
                type='ResNet3dSlowFast',
                pretrained=None,
                resample_rate=4,
                speed_ratio=4,
                channel_ratio=8,
                slow_pathway=dict(
                    **_PATHWAY,
                    lateral=True,
                    base_channels=16,
                    conv1_kernel=(1, 7, 7),
                    inflate=(0, 0, 1, 1),
                    dilations=(1, 1, 1, 1),
                ),
                fast_pathway=dict(**_PATHWAY, lateral=False, base_channels=2, conv1_kernel=(5, 7, 7)),
            ),
            dict(type='SlowFastHead', in_channels=144, spatial_type='avg', dropout_ratio=0.5),
        ),
        _clip(8, size=64),
        (144, 2, 2, 2),
    ),
    'slowonly': Family(
        _clips(
            dict(
                type='ResNet3dSlowOnly',
                depth=18,
                pretrained=None,
                lateral=False,
                base_channels=8,
                inflate=(0, 0, 1, 1),
                **_SLOW,
            ),
            dict(**_I3D, in_channels=64),
        ),
        _clip(4, size=64),
        (64, 4, 2, 2),
    ),
    'i3d': Family(
        _clips(
            dict(
                type='ResNet3d',
                depth=50,
                pretrained=None,
                base_channels=4,
                conv1_kernel=(5, 7, 7),
                conv1_stride_t=2,
                pool1_stride_t=2,
                conv_cfg=dict(type='Conv3d'),
                norm_eval=False,
                zero_init_residual=False,
                inflate=((1, 1, 1), (1, 0, 1, 0), (1, 0, 1, 0, 1, 0), (0, 1, 0)),
            ),
            dict(**_I3D, in_channels=128),
        ),
        _clip(8, size=64),
        (128, 1, 2, 2),
    ),
    'c2d': Family(
        _clips(dict(type='C2D', depth=50, pretrained=None, norm_eval=False), dict(**_I3D, in_channels=2048)),
        _clip(4, size=32),
        (2048, 2, 1, 1),
    ),
    'r2plus1d': Family(
        _clips(
            dict(
                type='ResNet2Plus1d',
                depth=18,
                pretrained=None,
                pretrained2d=False,
                base_channels=8,
                norm_eval=False,
                conv_cfg=dict(type='Conv2plus1d'),
                norm_cfg=dict(type='BN3d', requires_grad=True, eps=1e-3),
                conv1_kernel=(3, 7, 7),
                conv1_stride_t=1,
                pool1_stride_t=1,
                inflate=(1, 1, 1, 1),
                spatial_strides=(1, 2, 2, 2),
                temporal_strides=(1, 2, 2, 2),
                zero_init_residual=False,
            ),
            dict(**_I3D, in_channels=64),
        ),
        _clip(8, size=64),
        (64, 1, 2, 2),
    ),
    'c3d': Family(
        _clips(
            dict(
                type='C3D',
                pretrained=None,
                conv_cfg=dict(type='Conv3d'),
                norm_cfg=None,
                act_cfg=dict(type='ReLU'),
                out_dim=2048,
                dropout_ratio=0.5,
                init_std=0.005,
            ),
            dict(type='I3DHead', in_channels=4096, spatial_type=None, dropout_ratio=0.5, init_std=0.01),
            norm=C3D_MEAN,
        ),
        _clip(16, size=32),
        (4096, 1, 1, 1),
    ),
    'csn': Family(
        _clips(
            dict(
                type='ResNet3dCSN',
                depth=50,
                pretrained2d=False,
                pretrained=None,
                base_channels=8,
                with_pool2=False,
                bottleneck_mode='ir',
                norm_eval=False,
                zero_init_residual=False,
            ),
            dict(**_I3D, in_channels=256),
        ),
        _clip(8, size=64),
        (256, 1, 2, 2),
    ),
    'mvit': Family(
        _clips(
            dict(
                type='MViT',
                arch=dict(embed_dims=16, num_layers=4, num_heads=1, downscale_indices=[1, 3]),
                temporal_size=8,
                spatial_size=32,
                drop_path_rate=0.2,
            ),
            dict(type='MViTHead', in_channels=64, label_smooth_eps=0.1),
            norm=GREY,
        ),
        _clip(8),
        (64, 4, 2, 2),
    ),
    'swin': Family(
        _clips(
            dict(
                type='SwinTransformer3D',
                arch=dict(embed_dims=16, depths=[2, 2], num_heads=[1, 2]),
                pretrained=None,
                pretrained2d=False,
                patch_size=(2, 4, 4),
                window_size=(2, 4, 4),
                out_indices=(1,),
                drop_path_rate=0.1,
            ),
            dict(**_I3D, in_channels=32),
        ),
        _clip(8),
        (32, 4, 4, 4),
    ),
    'uniformer': Family(
        _clips(
            dict(
                type='UniFormer',
                img_size=32,
                depth=[1, 1, 1, 1],
                embed_dim=[16, 32, 32, 64],
                head_dim=16,
                drop_path_rate=0.1,
            ),
            dict(type='I3DHead', dropout_ratio=0.0, in_channels=64),
            norm=GREY,
        ),
        _clip(8, size=64),
        (64, 4, 2, 2),
    ),
    'uniformerv2': Family(
        _clips(
            dict(
                type='UniFormerV2',
                input_resolution=32,
                patch_size=16,
                width=32,
                layers=2,
                heads=2,
                t_size=4,
                dw_reduction=1.5,
                no_lmhra=True,
                double_lmhra=True,
                return_list=[0, 1],
                n_layers=2,
                n_dim=32,
                n_head=2,
                mlp_dropout=[0.5, 0.5],
                clip_pretrained=False,
            ),
            dict(**_TOKEN, in_channels=32, dropout_ratio=0.5),
            norm=GREY,
        ),
        _clip(4),
        (32, 1, 1, 1),
    ),
    'videomae': Family(
        _clips(
            dict(
                type='VisionTransformer',
                img_size=32,
                patch_size=16,
                embed_dims=32,
                depth=2,
                num_heads=2,
                num_frames=4,
                qkv_bias=True,
                norm_cfg=dict(type='LN', eps=1e-6),
            ),
            dict(**_TOKEN, in_channels=32),
        ),
        _clip(4),
        (32, 1, 1, 1),
    ),
    'timesformer': Family(
        _clips(
            dict(
                type='TimeSformer',
                num_frames=4,
                img_size=32,
                patch_size=16,
                embed_dims=24,
                num_heads=12,
                num_transformer_layers=2,
                in_channels=3,
                attention_type='divided_space_time',
                norm_cfg=dict(type='LN', eps=1e-6),
            ),
            dict(**_TOKEN, in_channels=24),
            norm=HALF,
        ),
        _clip(4),
        (24, 1, 1, 1),
    ),
    'tpn_slowonly': Family(
        _clips(
            dict(
                type='ResNet3dSlowOnly',
                depth=50,
                pretrained=None,
                lateral=False,
                base_channels=8,
                out_indices=(2, 3),
                inflate=(0, 0, 1, 1),
                **_SLOW,
            ),
            dict(
                type='TPNHead',
                in_channels=2048,
                spatial_type='avg',
                dropout_ratio=0.5,
                consensus=dict(type='AvgConsensus', dim=1),
            ),
            neck=tpn_neck((128, 256)),
            test_cfg=dict(fcn_test=True),
        ),
        _clip(4, size=64),
        (2048, 1, 2, 2),
    ),
}
