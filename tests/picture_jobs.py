"""The whole job of a tiny distillation on pictures, a ViT teacher and a CNN student, as a config on disk."""

import copy
from pathlib import Path

import cv2
import numpy as np
import torch
from jobs import Job
from mmengine.config import Config
from mmengine.registry import MODELS
from mmengine.runner import Runner

PREPROCESSOR = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)


def vit(num_classes: int = 2, width: int = 16) -> dict:
    """A four-block ViT for 32 px, as an inline model config of MMPretrain."""
    return dict(
        type='ImageClassifier',
        backbone=dict(
            type='VisionTransformer',
            arch=dict(embed_dims=width, num_layers=4, num_heads=2, feedforward_channels=2 * width),
            img_size=32,
            patch_size=8,
            with_cls_token=False,
            out_type='avg_featmap',
        ),
        head=dict(type='LinearClsHead', in_channels=width, num_classes=num_classes),
        data_preprocessor=dict(PREPROCESSOR),
    )


def resnet(num_classes: int = 2, channels: int = 4, norm: str = 'GN') -> dict:
    """A ResNet18 of few channels for 32 px, as an inline model config of MMPretrain."""
    return dict(
        type='ImageClassifier',
        backbone=dict(
            type='ResNet_CIFAR',
            depth=18,
            stem_channels=channels,
            base_channels=channels,
            norm_cfg=dict(type='GN', num_groups=2) if norm == 'GN' else dict(type=norm),
        ),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', in_channels=8 * channels, num_classes=num_classes),
        data_preprocessor=dict(PREPROCESSOR),
    )


def write_pictures(folder: Path, classes: int = 2, per_class: int = 4, size: int = 32) -> Path:
    """Writes tiny labelled JPEG files, one folder a class: class k has a bright bar in one of ``classes`` places.

    Returns:
        ``folder``.
    """
    rng = np.random.default_rng(0)
    for label in range(classes):
        (folder / f'class{label}').mkdir(parents=True, exist_ok=True)
        for index in range(per_class):
            picture = rng.integers(0, 90, (size, size, 3), dtype=np.uint8)
            top = label * size // classes
            picture[top : top + size // (2 * classes)] += 140
            assert cv2.imwrite(str(folder / f'class{label}' / f'{index}.jpg'), picture)
    return folder


def save_classifier(cfg: dict, path: Path, seed: int = 0) -> str:
    """Saves random weights for a model config; gives the path."""
    torch.manual_seed(seed)
    model = MODELS.build({'_scope_': 'mmpretrain', **copy.deepcopy(cfg)})
    model.init_weights()
    torch.save(model.state_dict(), path)
    return str(path)


RECIPE = """
_base_ = ['mmpretrain::_base_/default_runtime.py']
custom_imports = dict(imports=['mmdualkd', 'jobs'], allow_failed_imports=False)
custom_hooks = [
    dict(type='mmengine.LossCurveHook'), dict(type='mmdualkd.StudentCheckpointHook'),
    dict(type='mmdualkd.PreflightHook'), dict(type='mmdualkd.CorruptVideoHook', max_fraction=0.2),
    dict(type='mmdualkd.EpochSeedHook')]
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=1, save_best=None))
log_level = 'WARNING'
work_dir = {work_dir!r}
randomness = dict(seed=0)

pictures = dict(type='mmdualkd.CustomDataset', data_prefix={pictures!r})
train_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
train_dataloader = dict(
    batch_size={batch_size}, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'), dataset=dict(**pictures, pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=3, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'), dataset=dict(**pictures, pipeline=test_pipeline, test_mode=True))
test_dataloader = val_dataloader
val_evaluator = dict(type='Accuracy', topk=(1,))
test_evaluator = val_evaluator
train_cfg = dict(by_epoch=True, max_epochs={epochs}, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.02, momentum=0.9))
param_scheduler = [dict(type='MultiStepLR', milestones=[100], by_epoch=True)]
"""

DISTILLATION = """
model = dict(
    type='mmdualkd.Distiller',
    views=dict(student=dict(size=32), teacher=dict(size=32)),
    student=dict(config={student!r}),
    teachers=dict(teacher=dict(config={teacher!r}, checkpoint={weights!r})),
    terms=dict(kd=dict(type='FusedKD', weighting=dict(type='Uniform'))))
"""

HYBRID = """
model.update(type='mmdualkd.HybridAssistantDistiller')
del model['terms']
"""


def picture_job(
    folder: Path,
    extra: str = '',
    *,
    student: dict | None = None,
    teacher: dict | None = None,
    batch_size: int = 4,
    epochs: int = 2,
    per_class: int = 4,
) -> Job:
    """A job whose models have no layer that mixes the samples of a batch.

    Args:
        folder: An empty folder of the job's own.
        extra: Source added at the end of the config; ``HYBRID`` puts the hybrid assistant in place of plain KD.
        student: Its model config; default :func:`resnet`.
        teacher: Its model config; default :func:`vit`.
        batch_size: Pictures a process and step.
        epochs: Epochs of ``2 * per_class`` pictures.
        per_class: Pictures of each of the two classes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = write_pictures(folder / 'pictures', per_class=per_class)
    teacher = teacher or vit()
    weights = save_classifier(teacher, folder / 'teacher.pth', seed=1)
    work_dir, config = folder / 'work_dir', folder / 'job.py'
    recipe = RECIPE.format(work_dir=str(work_dir), pictures=str(pictures), batch_size=batch_size, epochs=epochs)
    model = DISTILLATION.format(student=student or resnet(), teacher=teacher, weights=weights)
    config.write_text(recipe + model + extra)
    return Job(config, work_dir)


def runner_of(job: Job, **options) -> Runner:
    """The runner of a job in this process; options override its config."""
    cfg = Config.fromfile(job.config)
    cfg.merge_from_dict(options)
    cfg.experiment_name = str(job.config.parent)
    return Runner.from_cfg(cfg)


def without_validation(**options) -> dict:
    """Options of a job that only trains."""
    return dict(val_cfg=None, val_dataloader=None, val_evaluator=None, **options)


def cut(path: Path) -> None:
    """Cuts a file short, as a kill while it was written would."""
    path.write_bytes(path.read_bytes()[:1000])
