"""The whole job of a tiny dual-teacher distillation, as a config on disk; see ``jobs.py``."""

from pathlib import Path

from jobs import Job, write_job
from tiny import resnet3d, save_model

DISTILLATION = """
views = dict(
    student=dict(clip_len=4, frame_interval=2, size=24),
    vit=dict(clip_len=8, size=32),
    cnn=dict(clip_len=4, size=24))
model = dict(
    type='mmdualkd.DualTeacherDistiller',
    views=views,
    student=dict(config={student!r}),
    teachers=dict(
        vit=dict(config={vit!r}, checkpoint={vit_weights!r}),
        cnn=dict(config={cnn!r}, checkpoint={cnn_weights!r})))
train_pipeline = [
    dict(type='DecordInit'),
    dict(type='mmdualkd.SampleViews', test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(32, 32), keep_ratio=False),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs')]
train_dataloader.update(dataset=dict(**clips, pipeline=train_pipeline))
custom_hooks += [dict(type='mmdualkd.StudentCheckpointHook'), dict(type='mmdualkd.PreflightHook')]
"""


def distill_job(folder: Path, extra: str = '', **kwargs) -> Job:
    """A job whose models have no layer that mixes the samples of a batch, and whose clips are not random.

    Args:
        folder: An empty folder of the job's own.
        extra: Source added at the end of the config.
        **kwargs: As for :func:`jobs.write_job`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    models = dict(student=resnet3d(4, 2, norm='GN'), vit=resnet3d(4, 2, norm='GN'), cnn=resnet3d(6, 2, norm='GN'))
    models['student']['cls_head']['average_clips'] = 'prob'
    weights = {
        f'{name}_weights': save_model(models[name], folder / f'{name}.pth', seed)
        for seed, name in enumerate(('vit', 'cnn'), start=1)
    }
    return write_job(folder, DISTILLATION.format(**models, **weights) + extra, **kwargs)
