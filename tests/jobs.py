"""Whole jobs for the tools' tests: a config file and the tiny data that it trains on.

Also a hook that writes every process's losses down, so that curves can be compared.
"""

import json
import os
import pickle
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import quick_configs  # noqa: F401
import torch
from helpers import write_clips
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@dataclass
class Job:
    """A job on disk."""

    config: Path
    work_dir: Path

    def log(self) -> str:
        """What the last run wrote into its log file."""
        return max(self.work_dir.glob('*/*.log')).read_text()

    def losses(self, rank: int = 0) -> list[float]:
        """The loss of every training iteration in one process, in order."""
        return [json.loads(line)['loss'] for line in (self.work_dir / f'losses_{rank}.json').open()]


@HOOKS.register_module(force=True)
class LossCurveHook(Hook):
    """Appends the loss of each iteration to ``losses_RANK.json`` in the work directory.

    Args:
        kill_after: The process kills itself after this iteration (from 1), as a power cut would; 0: never.
    """

    def __init__(self, kill_after: int = 0) -> None:
        self.kill_after = kill_after

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        line = {'iter': runner.iter + 1, 'loss': outputs['loss'].item()}
        with (Path(runner.work_dir) / f'losses_{runner.rank}.json').open('a') as file:
            file.write(json.dumps(line) + '\n')
        if runner.iter + 1 == self.kill_after:
            os.kill(os.getpid(), signal.SIGKILL)


def read(path: Path) -> dict:
    """Reads a checkpoint."""
    return torch.load(path, weights_only=True, map_location='cpu')


def predictions(path: Path) -> tuple[torch.Tensor, list[int]]:
    """The scores and labels that a test has dumped."""
    samples = pickle.loads(path.read_bytes())
    return torch.stack([sample['pred_score'] for sample in samples]), [int(sample['gt_label']) for sample in samples]


def tensors(value: object) -> Iterator[torch.Tensor]:
    """All tensors of a checkpoint, or a part of one."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from tensors(part)


STOCK_MODEL = """
model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3d', depth=18, pretrained=None, pretrained2d=False, base_channels=4, conv1_kernel=(3, 7, 7),
        norm_cfg=dict(type='GN', num_groups=2), norm_eval=False, inflate=(1, 1, 1, 1), zero_init_residual=False),
    cls_head=dict(
        type='I3DHead', in_channels=32, num_classes=2, spatial_type='avg', dropout_ratio=0, average_clips='prob'),
    data_preprocessor=dict(
        type='ActionDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
        format_shape='NCTHW'))
"""

RECIPE = """
_base_ = ['mmaction::_base_/default_runtime.py']
custom_imports = dict(imports=['mmdualkd', 'jobs'], allow_failed_imports=False)
custom_hooks = [dict(type='mmengine.LossCurveHook')]
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=1, save_best=None))
log_level = 'WARNING'
work_dir = {work_dir!r}
randomness = dict(seed=0)

clips = dict(type='VideoDataset', ann_file={annotation!r}, data_prefix=dict(video={videos!r}))
pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=8, frame_interval=1, num_clips=1, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(32, 32), keep_ratio=False),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs')]
train_dataloader = dict(
    batch_size={batch_size}, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**clips, pipeline=pipeline))
val_dataloader = dict(
    batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**clips, pipeline=pipeline, test_mode=True))
test_dataloader = val_dataloader
val_evaluator = dict(type='AccMetric')
test_evaluator = val_evaluator
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs={epochs}, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.02, momentum=0.9))
param_scheduler = [dict(type='MultiStepLR', milestones=[100], by_epoch=True)]
"""


def write_job(folder: Path, model: str, *, batch_size: int = 4, epochs: int = 2, per_class: int = 4) -> Job:
    """Writes a config of a given model, with the recipe and the data above.

    Args:
        folder: An empty folder of the job's own.
        model: Source of the config that defines ``model`` and what else differs from the recipe.
        batch_size: Clips a process and step.
        epochs: Epochs of ``2 * per_class`` clips.
        per_class: Clips of each of the two classes.
    """
    annotation = write_clips(folder / 'clips', classes=2, per_class=per_class)
    work_dir = folder / 'work_dir'
    config = folder / 'job.py'
    recipe = RECIPE.format(
        work_dir=str(work_dir), annotation=str(annotation), videos=str(annotation.parent),
        batch_size=batch_size, epochs=epochs,
    )  # fmt: skip
    config.write_text(recipe + model)
    return Job(config, work_dir)


def stock_job(folder: Path, **kwargs) -> Job:
    """A recognizer of MMAction2 without any layer that mixes the samples of a batch; see :func:`write_job`."""
    return write_job(folder, STOCK_MODEL, **kwargs)
