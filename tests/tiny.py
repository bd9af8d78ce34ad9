"""A tiny distillation that tests build: ResNet3d models of few channels and a batch of random clips."""

import copy
from pathlib import Path

import torch
from mmaction.structures import ActionDataSample
from mmengine.registry import MODELS as MMENGINE_MODELS

import mmdualkd  # noqa: F401
from mmdualkd.registry import MODELS

VIEWS = dict(
    student=dict(clip_len=4, frame_interval=2, size=32),
    vit=dict(clip_len=8, size=48),
    cnn=dict(clip_len=4, size=32),
)


def resnet3d(channels: int = 4, num_classes: int = 4, dropout: float = 0.0, norm: str = 'BN3d', **backbone) -> dict:
    """A ResNet3d-18 of few channels, as an inline model config."""
    norm_cfg = dict(type='GN', num_groups=2) if norm == 'GN' else dict(type=norm, requires_grad=True)
    return dict(
        type='Recognizer3D',
        backbone=dict(
            type='ResNet3d',
            depth=18,
            pretrained=None,
            pretrained2d=False,
            base_channels=channels,
            inflate=(1, 1, 1, 1),
            conv1_kernel=(3, 3, 3),
            conv1_stride_t=1,
            pool1_stride_t=1,
            norm_cfg=norm_cfg,
            norm_eval=False,
            zero_init_residual=False,
            **backbone,
        ),
        cls_head=dict(type='I3DHead', num_classes=num_classes, in_channels=8 * channels, dropout_ratio=dropout),
        data_preprocessor=dict(
            type='ActionDataPreprocessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            format_shape='NCTHW',
        ),
    )


def one_stage(channels: int = 4) -> dict:
    """A ResNet3d of one stage: what is compiled is short."""
    stage = dict(num_stages=1, spatial_strides=(1,), temporal_strides=(1,), dilations=(1,), out_indices=(0,))
    cfg = resnet3d(channels, **stage)
    cfg['cls_head']['in_channels'] = channels
    return cfg


def save_model(cfg: dict, path: Path, seed: int = 0) -> str:
    """Saves random weights for a model config; gives the path."""
    torch.manual_seed(seed)
    model = MMENGINE_MODELS.build({'_scope_': 'mmaction', **copy.deepcopy(cfg)})
    for name, value in model.named_buffers():
        if name.endswith('running_mean'):
            value.normal_()
    torch.save(model.state_dict(), path)
    return str(path)


def distiller_config(folder: Path, student: dict | None = None, **changes) -> dict:
    """The config of a tiny dual-teacher distiller whose teachers' weights lie in ``folder``."""
    teachers = {}
    for seed, (name, channels) in enumerate(dict(vit=4, cnn=6).items()):
        cfg = resnet3d(channels)
        teachers[name] = dict(config=cfg, checkpoint=save_model(cfg, Path(folder) / f'{name}.pth', seed))
    cfg = dict(
        type='DualTeacherDistiller',
        student=dict(config=student or resnet3d()),
        teachers=teachers,
        views=dict(VIEWS),
    )
    return {**cfg, **changes}


def build_distiller(folder: Path, student: dict | None = None, **changes) -> torch.nn.Module:
    """Builds the tiny distiller, initialised and in training mode."""
    torch.manual_seed(0)
    model = MODELS.build({**distiller_config(folder, student, **changes), '_scope_': 'mmdualkd'})
    model.init_weights()
    return model.train()


def batch(frames: int, count: int = 4, size: int = 48, num_classes: int = 4, seed: int = 0) -> dict:
    """What a dataloader gives: ``count`` uint8 clips and their samples."""
    generator = torch.Generator().manual_seed(seed)
    shape = (1, 3, frames, size, size)
    return dict(
        inputs=[torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator) for _ in range(count)],
        data_samples=[ActionDataSample().set_gt_label(index % num_classes) for index in range(count)],
    )


def step_losses(model: torch.nn.Module, data: dict) -> dict:
    """The losses of one training step, by the path that MMEngine takes; the data stay as they are."""
    return model(**model.data_preprocessor(copy.deepcopy(data), training=True), mode='loss')


def gradients(module: torch.nn.Module) -> dict:
    """Gradients by parameter name."""
    return {name: parameter.grad.clone() for name, parameter in module.named_parameters()}


def averaging_recognizer() -> dict:
    """A tiny recognizer that averages the scores of a video's clips."""
    model = resnet3d(4, 2)
    model['cls_head']['average_clips'] = 'prob'
    return model
