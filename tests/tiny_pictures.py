"""Tiny picture classifiers that tests build: a CNN, a ViT and a Mixer at 32 pixels, and a batch of random pictures."""

import copy
from pathlib import Path

import torch
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmpretrain.structures import DataSample

import mmdualkd  # noqa: F401
from mmdualkd.registry import MODELS

SIZE, CLASSES = 32, 4
PREPROCESSOR = dict(
    type='ClsDataPreprocessor', num_classes=CLASSES, mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
    to_rgb=True,
)  # fmt: skip
LOSS = dict(type='LabelSmoothLoss', label_smooth_val=0.1, mode='original')


def cnn(channels: int = 4, **backbone) -> dict:
    """A ResNet-18 of CIFAR's kind, as an inline model config."""
    return dict(
        type='mmpretrain.ImageClassifier',
        backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=channels, stem_channels=channels, **backbone),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=CLASSES, in_channels=8 * channels, loss=LOSS),
        data_preprocessor=PREPROCESSOR,
    )


def vit(width: int = 24, **backbone) -> dict:
    """A ViT of six blocks on 8 x 8 patches."""
    arch = dict(embed_dims=width, num_layers=6, num_heads=3, feedforward_channels=2 * width)
    return dict(
        type='mmpretrain.ImageClassifier',
        backbone=dict(type='VisionTransformer', arch=arch, img_size=SIZE, patch_size=4, **backbone),
        head=dict(type='VisionTransformerClsHead', num_classes=CLASSES, in_channels=width, loss=LOSS),
        data_preprocessor={**PREPROCESSOR, 'mean': [127.5] * 3, 'std': [127.5] * 3},
    )


def mixer() -> dict:
    """A Mixer of six blocks on 8 x 8 patches."""
    arch = dict(embed_dims=24, num_layers=6, tokens_mlp_dims=16, channels_mlp_dims=48)
    return dict(
        type='mmpretrain.ImageClassifier',
        backbone=dict(type='MlpMixer', arch=arch, img_size=SIZE, patch_size=4),
        neck=dict(type='GlobalAveragePooling', dim=1),
        head=dict(type='LinearClsHead', num_classes=CLASSES, in_channels=24, loss=LOSS),
        data_preprocessor=PREPROCESSOR,
    )


def build_plain(cfg: dict, seed: int = 0) -> torch.nn.Module:
    """A plain classifier with random weights."""
    torch.manual_seed(seed)
    model = MMENGINE_MODELS.build({'_scope_': 'mmpretrain', **copy.deepcopy(cfg)})
    model.init_weights()
    return model


def build_distiller(folder: Path, student: dict, teacher: dict, kind: str = 'Distiller', **changes) -> torch.nn.Module:
    """A distiller of one teacher, ``teacher``, initialised and in training mode."""
    path = Path(folder) / 'teacher.pth'
    plain = build_plain(teacher, seed=1)
    for weight in plain.parameters():  # a ViT's head begins at zero, and no gradient would pass it
        weight.data.add_(0.05 * torch.randn_like(weight))
    torch.save(plain.state_dict(), path)
    views = dict(student=dict(size=SIZE), teacher=dict(size=SIZE))
    cfg = dict(
        type=kind, student=dict(config=student), teachers=dict(teacher=dict(config=teacher, checkpoint=str(path))),
        views=views,
    )  # fmt: skip
    torch.manual_seed(0)
    model = MODELS.build({**copy.deepcopy({**cfg, **changes}), '_scope_': 'mmdualkd'})
    model.init_weights()
    return model.train()


def batch(count: int = 4, seed: int = 0) -> dict:
    """Random uint8 pictures as the train loader gives them."""
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.randint(0, 256, (count, 3, SIZE, SIZE), dtype=torch.uint8, generator=generator)
    return dict(inputs=pictures, data_samples=[DataSample().set_gt_label(index % CLASSES) for index in range(count)])
