"""A tiny job whose clips, order and dropout are random: for tests of what the hooks make of that."""

from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

TRAIN_PIPELINE = [
    dict(type='mmaction.DecordInit'),
    dict(type='mmaction.SampleFrames', clip_len=4, frame_interval=2, num_clips=1),
    dict(type='mmaction.DecordDecode'),
    dict(type='mmaction.RandomCrop', size=24),
    dict(type='mmaction.FormatShape', input_format='NCTHW'),
    dict(type='mmaction.PackActionInputs'),
]


def runner(
    folder: Path,
    annotation: Path,
    workers: int = 0,
    max_epochs: int = 2,
    wrap: str | None = None,
    hooks: list | None = None,
    dropout: float = 0.0,
    max_iters: int = 0,
    sampler: str = 'DefaultSampler',
    every: int = 1,
    by_epoch: bool = True,
    batch_size: int = 4,
    stages: int = 4,
    **kwargs,
) -> Runner:
    """A job of a 3D ResNet (of fewer ``stages``, if wanted) with dropout on eight tiny videos, checkpoints each epoch.

    With ``max_iters`` the loop counts iterations, and checkpoints are saved each ``every`` of them; with
    ``by_epoch=False`` they are in a loop of epochs too.
    """
    dataset = dict(
        type='mmdualkd.VideoDataset',
        ann_file=str(annotation),
        data_prefix=dict(video=str(annotation.parent)),
        pipeline=TRAIN_PIPELINE,
    )
    test = dict(dataset, test_mode=True)
    if wrap:
        dataset = (
            dict(type=wrap, times=2, dataset=dataset)
            if wrap == 'RepeatDataset'
            else dict(type=wrap, datasets=[dataset])
        )
    train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=1)
    if max_iters:
        train_cfg = dict(type='IterBasedTrainLoop', max_iters=max_iters, val_interval=1000)
    loader = dict(batch_size=batch_size, num_workers=workers, persistent_workers=workers > 0)
    cfg = Config(
        dict(
            default_scope='mmaction',
            model=dict(
                type='Recognizer3D',
                backbone=dict(
                    type='ResNet3d',
                    depth=18,
                    pretrained=None,
                    pretrained2d=False,
                    base_channels=4,
                    norm_eval=False,
                    num_stages=stages,
                    out_indices=(stages - 1,),
                    inflate=(1,) * stages,
                    dilations=(1,) * stages,
                    temporal_strides=(1,) * stages,
                    spatial_strides=(1, 2, 2, 2)[:stages],
                    conv1_kernel=(3, 7, 7),
                    zero_init_residual=False,
                ),
                cls_head=dict(
                    type='I3DHead',
                    in_channels=2 ** (stages + 1),
                    num_classes=2,
                    dropout_ratio=dropout,
                    average_clips='prob',
                ),
                data_preprocessor=dict(
                    type='ActionDataPreprocessor', mean=[120.0] * 3, std=[60.0] * 3, format_shape='NCTHW'
                ),
            ),
            train_dataloader=dict(loader, dataset=dataset, sampler=dict(type=sampler, shuffle=True)),
            val_dataloader=dict(loader, dataset=test, sampler=dict(type='DefaultSampler', shuffle=False)),
            val_evaluator=dict(type='AccMetric'),
            val_cfg=dict(type='ValLoop'),
            train_cfg=train_cfg,
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)),
            default_hooks=dict(
                checkpoint=dict(type='CheckpointHook', interval=every, by_epoch=by_epoch and not max_iters)
            ),
            custom_hooks=[dict(type='mmdualkd.CorruptVideoHook')] if hooks is None else hooks,
            work_dir=str(folder),
            experiment_name=str(folder),  # loggers go by it and the second: `job` of two tests would be one
            **kwargs,
        )
    )
    return Runner.from_cfg(cfg)
