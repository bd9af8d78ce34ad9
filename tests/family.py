"""What a small recognizer of some family is, for the tables of :mod:`clip_families` and :mod:`frame_families`."""

import importlib.util
from dataclasses import dataclass
from typing import Any

NUM_CLASSES = 4
IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])


@dataclass(frozen=True)
class Family:
    """One family.

    Attributes:
        model: Its model config.
        view: ``clip_len``, ``frame_interval``, ``num_clips`` and ``size`` of its input.
        grid: Shape (C, T, H, W) of its features for one clip.
        needs: A module without which it cannot run.
        reason: Why it is skipped then.
    """

    model: dict[str, Any]
    view: dict[str, int]
    grid: tuple[int, int, int, int]
    needs: str | None = None
    reason: str = ''

    @property
    def skip_reason(self) -> str:
        """Why it cannot run here; empty where it can."""
        if self.needs is None:
            return ''
        try:
            return '' if importlib.util.find_spec(self.needs) else self.reason
        except ModuleNotFoundError:
            return self.reason


def recognizer(kind: str, layout: str, norm: dict, backbone: dict, head: dict, **others: Any) -> dict[str, Any]:
    """A recognizer's config."""
    head = dict(num_classes=NUM_CLASSES, average_clips='prob', **head)
    preprocessor = dict(type='ActionDataPreprocessor', format_shape=layout, **norm)
    return dict(type=kind, backbone=backbone, cls_head=head, data_preprocessor=preprocessor, **others)


def tpn_neck(channels: tuple[int, int]) -> dict[str, Any]:
    """TPN's neck for two stages of the given widths."""
    return dict(
        type='TPN',
        in_channels=channels,
        out_channels=32,
        spatial_modulation_cfg=dict(in_channels=channels, out_channels=channels[-1]),
        temporal_modulation_cfg=dict(downsample_scales=(4, 4)),
        upsample_cfg=dict(scale_factor=(1, 1, 1)),
        downsample_cfg=dict(downsample_scale=(1, 1, 1)),
        level_fusion_cfg=dict(
            in_channels=(32, 32),
            mid_channels=(32, 32),
            out_channels=64,
            downsample_scales=((1, 1, 1), (1, 1, 1)),
        ),
        aux_head_cfg=dict(out_channels=NUM_CLASSES, loss_weight=0.5),
    )
