"""Families of recognizers of segments, frames of one clip each (Recognizer2D)."""

from typing import Any

from family import IMAGENET, Family, recognizer, tpn_neck

_TSM = dict(type='TSMHead', spatial_type='avg', dropout_ratio=0.5, init_std=0.001, num_segments=4)


def _frames(backbone: dict, head: dict, **others: Any) -> dict[str, Any]:
    """A recognizer of segments (NCHW)."""
    head = dict(consensus=dict(type='AvgConsensus', dim=1), **head) if head['type'] != 'TRNHead' else head
    return recognizer('Recognizer2D', 'NCHW', IMAGENET, backbone, head, **others)


def _segments(number: int, size: int = 32) -> dict[str, int]:
    return dict(clip_len=1, frame_interval=1, num_clips=number, size=size)


FRAME_FAMILIES: dict[str, Family] = {
    'tsm': Family(
        _frames(
            dict(type='ResNetTSM', depth=18, pretrained=None, pretrained2d=False, norm_eval=False, num_segments=4),
            dict(**_TSM, in_channels=512, is_shift=True),
        ),
        _segments(4, size=64),
        (512, 4, 2, 2),
    ),
    'tsm_mobilenetv2': Family(
        _frames(
            dict(
                type='MobileNetV2TSM',
                widen_factor=0.25,
                num_segments=4,
                is_shift=True,
                shift_div=8,
                pretrained=None,
                pretrained2d=False,
            ),
            dict(**_TSM, in_channels=1280, is_shift=True),
        ),
        _segments(4),
        (1280, 4, 1, 1),
    ),
    'tsm_mobileone': Family(
        _frames(
            dict(type='MobileOneTSM', arch='s0', num_segments=4, is_shift=True, shift_div=8, pretrained2d=False),
            dict(**_TSM, in_channels=1024, is_shift=True),
        ),
        _segments(4),
        (1024, 4, 1, 1),
    ),
    'tsn': Family(
        _frames(
            dict(type='ResNet', depth=18, pretrained=None, norm_eval=False),
            dict(type='TSNHead', in_channels=512, spatial_type='avg', dropout_ratio=0.4),
        ),
        _segments(3, size=64),
        (512, 3, 2, 2),
    ),
    'tsn_densenet': Family(
        _frames(
            dict(type='torchvision.DenseNet', growth_rate=8, block_config=(1, 1, 1, 1), num_init_features=16),
            dict(type='TSNHead', in_channels=17, spatial_type='avg', dropout_ratio=0.4),
        ),
        _segments(3),
        (17, 3, 1, 1),
    ),
    'trn': Family(
        _frames(
            dict(type='ResNet', depth=18, pretrained=None, norm_eval=False, partial_bn=True),
            dict(
                type='TRNHead',
                in_channels=512,
                num_segments=4,
                spatial_type='avg',
                relation_type='TRN',
                hidden_dim=16,
                dropout_ratio=0.8,
            ),
        ),
        _segments(4),
        (512, 4, 1, 1),
    ),
    'tanet': Family(
        _frames(
            dict(type='TANet', pretrained=None, depth=50, num_segments=4),
            dict(**_TSM, in_channels=2048),
        ),
        _segments(4),
        (2048, 4, 1, 1),
    ),
    'tpn_tsm': Family(
        _frames(
            dict(
                type='ResNetTSM',
                depth=18,
                pretrained=None,
                pretrained2d=False,
                out_indices=(2, 3),
                norm_eval=False,
                num_segments=4,
            ),
            dict(type='TPNHead', in_channels=2048, spatial_type='avg', dropout_ratio=0.5),
            neck=tpn_neck((256, 512)),
            test_cfg=dict(fcn_test=True),
        ),
        _segments(4, size=64),
        (2048, 1, 2, 2),
    ),
    'tin': Family(
        _frames(
            dict(type='ResNetTIN', depth=50, pretrained=None, pretrained2d=False, norm_eval=False, num_segments=4),
            dict(**_TSM, in_channels=2048, is_shift=False),
        ),
        _segments(4),
        (2048, 4, 1, 1),
        needs='mmcv._ext',
        reason='TIN needs the compiled tin_shift of full mmcv; mmcv-lite is installed',
    ),
    'tsn_timm': Family(
        _frames(
            dict(type='timm.resnet18', pretrained=False),
            dict(type='TSNHead', in_channels=512, spatial_type='avg', dropout_ratio=0.4),
        ),
        _segments(3),
        (512, 3, 1, 1),
        needs='timm',
        reason='a timm-backed recognizer needs timm, which is not installed',
    ),
}
