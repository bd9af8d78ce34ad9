"""What can be known to be wrong before the first step."""

import logging
from collections.abc import Iterator

from mmengine.dataset import ConcatDataset
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from ..errors import ConfigError, DataError
from ..registry import HOOKS
from ..views import SampleViews


@HOOKS.register_module()
class PreflightHook(Hook):
    """Checks data against the model before training: labels in range, and views that sampler and model agree on.

    Raises:
        DataError: If a data set is empty, declares another number of classes, or holds a label that the model has no
            class for.
        ConfigError: If the train pipeline samples other views than the model's.
    """

    def before_train(self, runner: Runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        student = getattr(model, 'student', model)
        loops = {'train': runner.train_loop, 'val': runner.val_loop}
        for split, loop in loops.items():
            for dataset in plain_datasets(loop.dataloader.dataset) if loop is not None else ():
                check_labels(dataset, split, student)
                if split == 'train' and hasattr(model, 'plan'):
                    check_views(dataset, model)


def plain_datasets(dataset: object) -> Iterator:
    """Gives the data sets inside MMEngine's wrappers (RepeatDataset, ClassBalancedDataset, ConcatDataset)."""
    if isinstance(dataset, ConcatDataset):
        for part in dataset.datasets:
            yield from plain_datasets(part)
    elif hasattr(dataset, 'dataset'):
        yield from plain_datasets(dataset.dataset)
    else:
        yield dataset


def check_labels(dataset: object, split: str, student: nn.Module) -> None:
    """Refuses an empty data set, another number of classes, and labels outside those of the student's head."""
    where = f'{split}_dataloader.dataset ({getattr(dataset, "ann_file", type(dataset).__name__)})'
    if len(dataset) == 0:
        raise DataError(f'{where} is empty')
    head = getattr(student, 'cls_head', None)
    if head is None:
        return
    classes, declared = head.num_classes, getattr(dataset, 'num_classes', None)
    if declared not in (None, classes):
        raise DataError(f'{where} has num_classes={declared}, but the model has {classes}: set model.num_classes')
    if getattr(dataset, 'multi_class', False):
        return
    seen = set()
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        label = info['label']
        seen.add(label)
        unlabelled = label == -1 and dataset.test_mode  # counts as wrong, whatever is predicted
        if not unlabelled and not 0 <= label < classes:
            raise DataError(
                f'{where}: {info.get("filename", f"sample {index}")} has label {label}, but the model has '
                f'{classes} classes (0 to {classes - 1})'
            )
    if split == 'train' and len(seen) < classes:
        message = f'{where} has clips of {len(seen)} of the {classes} classes that the model has'
        print_log(message, logger='current', level=logging.WARNING)


def check_views(dataset: object, model: nn.Module) -> None:
    """Refuses a train pipeline that does not sample the model's views."""
    transforms = getattr(dataset.pipeline, 'transforms', ())
    samplers = [transform for transform in transforms if isinstance(transform, SampleViews)]
    if not samplers:
        raise ConfigError(
            'the train pipeline has no mmdualkd.SampleViews: put it in place of SampleFrames, with the views of '
            'model.views'
        )
    if samplers[0].plan != model.plan:
        raise ConfigError(
            f'the train pipeline samples the views {samplers[0].plan.timing()}, but model.views are '
            f'{model.plan.timing()} (clip_len, frame_interval, num_clips by name)'
        )
