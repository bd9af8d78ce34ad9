"""A tiny dual-teacher job with random clips, for tests of the cache of its teachers."""

import json
from pathlib import Path

import torch
from helpers import TOOLS, run
from jobs import Job, read, write_job
from tiny import resnet3d, save_model

TWO = 'train_dataloader.dataset.num_views=2'
BATCH = 4  # of 8 clips, so that all batches are full

MODEL = """
model = dict(
    type='mmdualkd.DualTeacherDistiller', num_classes=2,
    views=dict(
        student=dict(clip_len=4, size=24), vit=dict(clip_len=4, frame_interval=2, size=24),
        cnn=dict(clip_len=4, frame_interval=2, size=24)),
    student=dict(config={student!r}),
    teachers=dict(vit=dict(config={vit!r}, checkpoint={vit_weights!r}), cnn=dict(config={cnn!r},
    checkpoint={cnn_weights!r})))
pipeline = [
    dict(type='DecordInit'), dict(type='mmdualkd.SampleViews'), dict(type='DecordDecode'),
    dict(type='RandomCrop', size=24), dict(type='Flip', flip_ratio=0.5),
    dict(type='ColorJitter', brightness=0.3, hue=0),
    dict(type='FormatShape', input_format='NCTHW'), dict(type='PackActionInputs')]
train_dataloader['dataset'].update(pipeline=pipeline, type='mmdualkd.VideoDataset')
train_dataloader['sampler']['shuffle'] = False  # equal batches: a matrix product's rounding goes by the rows' places
custom_hooks += [dict(type='mmdualkd.PreflightHook'), dict(type='mmdualkd.EpochSeedHook'),
    dict(type='mmdualkd.CorruptVideoHook', max_fraction=0.5)]
"""


def cache_job(folder: Path, **kwargs) -> Job:
    """Writes the job, its clips and the teachers' random weights."""
    folder.mkdir(exist_ok=True)
    models = dict(student=resnet3d(4, 2, norm='GN'), vit=resnet3d(6, 2), cnn=resnet3d(4, 2))
    for model in models.values():
        model['cls_head']['average_clips'] = 'prob'
    weights = {f'{name}_weights': save_model(models[name], folder / f'{name}.pth', seed)
               for seed, name in enumerate(('vit', 'cnn'))}  # fmt: skip
    source = MODEL.format(**models, **weights)
    return write_job(folder, source, batch_size=BATCH, **kwargs)


def leaf(job: Job, folder: Path, source: str) -> Job:
    """A config that inherits the job's."""
    config = folder / 'leaf.py'
    config.write_text(f'_base_ = [{str(job.config)!r}]\n{source}')
    return Job(config, job.work_dir)


def write_cache(job: Job, out: Path, *options: object, ok: bool = True, **kwargs) -> str:
    """Runs tools/cache_teachers.py on the job; gives its output."""
    return run(TOOLS / 'cache_teachers.py', job.config, '--out', out, *options, ok=ok, **kwargs)


def train(job: Job, work_dir: Path, *options: object, ok: bool = True, **kwargs) -> str:
    """Runs tools/train.py on the job, without validation; gives its output."""
    words = (job.config, '--work-dir', work_dir, '--no-validate', '--cfg-options', *options)
    return run(TOOLS / 'train.py', *words, ok=ok, **kwargs)


def error_of(job: Job, work_dir: Path, *options: object) -> str:
    """The last line of a training that must fail."""
    return train(job, work_dir, *options, ok=False).strip().splitlines()[-1]


def weights_of(work_dir: Path) -> dict[str, torch.Tensor]:
    """What a training's last checkpoint holds."""
    return read(work_dir / 'epoch_2.pth')['state_dict']


def losses_of(work_dir: Path) -> list[float]:
    """The loss of each iteration."""
    return [json.loads(line)['loss'] for line in (work_dir / 'losses_0.json').open()]


def same_weights(one: Path, other: Path) -> bool:
    """Whether two trainings ended with the same weights, bit for bit."""
    ours, theirs = weights_of(one), weights_of(other)
    return ours.keys() == theirs.keys() and all(torch.equal(value, theirs[name]) for name, value in ours.items())


def bytes_of(folder: Path) -> dict[str, bytes]:
    """The cache's files of records."""
    return {path.name: path.read_bytes() for path in folder.glob('*.npy')}


def flip_a_bit(path: Path, place: int = -1) -> None:
    """Changes one bit of a file."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
