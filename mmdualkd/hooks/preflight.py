"""What can be known to be wrong before the first step."""

from collections.abc import Iterator

import numpy as np
from mmengine.dataset import ConcatDataset
from mmengine.hooks import Hook
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
        DataError: If a data set is empty or holds a label that the model has no class for.
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
    """Refuses an empty data set, and class labels outside those of the student's head."""
    where = f'{split}_dataloader.dataset ({getattr(dataset, "ann_file", type(dataset).__name__)})'
    if len(dataset) == 0:
        raise DataError(f'{where} is empty')
    head = getattr(student, 'cls_head', None)
    if head is None or getattr(dataset, 'multi_class', False):
        return
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        label = info.get('label')
        unlabelled = label == -1 and dataset.test_mode  # counts as wrong, whatever is predicted
        if np.ndim(label) == 0 and not unlabelled and not 0 <= label < head.num_classes:
            raise DataError(
                f'{where}: {info.get("filename", f"sample {index}")} has label {label}, but the model has '
                f'{head.num_classes} classes (0 to {head.num_classes - 1})'
            )


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
