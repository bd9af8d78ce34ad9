"""What can be known to be wrong before the first step."""

import logging
from pathlib import Path

import numpy as np
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from ..class_count import meant_num_classes
from ..datasets.robust import source_of
from ..datasets.wrappers import plain_datasets
from ..errors import ConfigError, DataError
from ..registry import HOOKS
from ..views import SampleViews, ViewPlan
from ..zoo.weights import classes_of
from .resume import TRAINING, check_source, check_training, training_of


@HOOKS.register_module()
class PreflightHook(Hook):
    """Checks data against the model before training, and tells the train pipeline's sampler which views the model has.

    A run that is resumed is checked too, see :mod:`~mmdualkd.hooks.resume`.

    Raises:
        CheckpointError: If a run cannot be resumed from a checkpoint: it is missing, not whole, or of another training.
        DataError: If a data set is empty, declares another number of classes, holds a label that the model has no
            class for, or names other classes than the first data set does (folders of pictures that differ).
        ConfigError: If the train pipeline of videos has no ``SampleViews``, or one with other views than the model's;
            if the model has another number of classes than the config means (see :mod:`~mmdualkd.class_count`).
    """

    priority = 'HIGH'  # EMAHook loads its weights while a checkpoint is loaded

    def before_run(self, runner: Runner) -> None:
        check_source(runner)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        check_training(runner, checkpoint)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        checkpoint['meta'][TRAINING] = training_of(runner)

    def before_train(self, runner: Runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        student = getattr(model, 'student', model)
        check_num_classes(runner, student)
        loops = {'train': runner.train_loop, 'val': runner.val_loop}
        named = None
        for split, loop in loops.items():
            for dataset in plain_datasets(loop.dataloader.dataset) if loop is not None else ():
                where = f'{split}_dataloader.dataset ({source_of(dataset)})'
                check_labels(dataset, split, where, student)
                named = check_class_names(dataset, where, named)
                if split == 'train' and hasattr(model, 'plan') and not getattr(model, 'of_pictures', False):
                    # IterBasedTrainLoop has started its workers when it was built
                    started = hasattr(loop, 'dataloader_iterator') and loop.dataloader.num_workers > 0
                    hand_views(dataset, model.plan, 'the train pipeline', started)


def check_num_classes(runner: Runner, student: nn.Module) -> None:
    """Refuses a ``num_classes`` at the top of the config that did not reach the model, as in MMAction2's own tools."""
    classes, file = classes_of(student)[1], runner.cfg.filename
    if classes is None or file is None or not Path(file).is_file():
        return
    meant = meant_num_classes(runner.cfg, file)
    if meant not in (None, classes):
        key = 'model.num_classes' if 'student' in runner.cfg.model else f'model.{classes_of(student)[0]}.num_classes'
        raise ConfigError(
            f'num_classes={meant} at the top of the config does not reach the model, which has {classes} classes: set '
            f'{key}={meant} as well, or train with tools/train.py of mmdualkd'
        )


def check_labels(dataset: object, split: str, where: str, student: nn.Module) -> None:
    """Refuses an empty data set, another number of classes, and labels outside those of the student's head."""
    if len(dataset) == 0:
        raise DataError(f'{where} is empty')
    classes, declared = classes_of(student)[1], getattr(dataset, 'num_classes', None)
    if classes is None:
        return
    if declared not in (None, classes):
        raise DataError(f'{where} has num_classes={declared}, but the model has {classes}: set model.num_classes')
    if getattr(dataset, 'multi_class', False):
        return
    seen = set()
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        label = info.get('label', info.get('gt_label', -1))
        if isinstance(label, list | tuple | np.ndarray):
            return  # several labels a sample
        seen.add(int(label))
        unlabelled = label == -1 and dataset.test_mode  # counts as wrong, whatever is predicted
        if not unlabelled and not 0 <= label < classes:
            file = info.get('filename') or info.get('img_path') or f'sample {index}'
            raise DataError(
                f'{where}: {file} has label {label}, but the model has {classes} classes (0 to {classes - 1})'
            )
    if split == 'train' and len(seen) < classes:
        message = f'{where} has clips of {len(seen)} of the {classes} classes that the model has'
        print_log(message, logger='current', level=logging.WARNING)


def check_class_names(dataset: object, where: str, named: tuple[str, list] | None) -> tuple[str, list] | None:
    """Refuses a data set whose classes are not those of an earlier one, for its labels mean something else.

    Args:
        dataset: The data set; without class names nothing is checked.
        where: Its place, for errors.
        named: Place and class names of the first data set that has names; None if there was none yet.

    Returns:
        ``named``, or this data set's.
    """
    names = list((getattr(dataset, 'metainfo', None) or {}).get('classes') or [])
    if not names or named is None:
        return (where, names) if names else named
    if names != named[1]:
        other = sorted(set(map(str, names)) ^ set(map(str, named[1])))
        what = f'only one of them has {", ".join(map(repr, other[:5]))}' if other else 'in another order'
        raise DataError(
            f'{where} has {len(names)} classes, {named[0]} has {len(named[1])}, and they differ: {what}. Their labels '
            'would not mean the same; give both one list of classes (metainfo=dict(classes=[...]))'
        )
    return named


def hand_views(dataset: object, plan: ViewPlan, pipeline: str, started: bool = False) -> None:
    """Gives a model's views to the ``SampleViews`` of a data set's pipeline; views of its own must be the same.

    Args:
        dataset: A data set without wrappers.
        plan: The model's.
        pipeline: What the pipeline is, for errors.
        started: Whether worker processes have their copies of the data set already.

    Raises:
        ConfigError: If the pipeline has no ``SampleViews``, one with other views, or one without views in workers that
            have started.
    """
    transforms = getattr(dataset.pipeline, 'transforms', ())
    sampler = next((transform for transform in transforms if isinstance(transform, SampleViews)), None)
    if sampler is None:
        raise ConfigError(f'{pipeline} has no mmdualkd.SampleViews: put it in place of SampleFrames')
    if sampler.plan is not None and sampler.plan != plan:
        raise ConfigError(
            f'{pipeline} samples the views {sampler.plan.timing()}, but model.views are {plan.timing()} '
            '(clip_len, frame_interval, num_clips by name): SampleViews without views takes those of the model'
        )
    if sampler.plan is None and started:
        raise ConfigError(
            f'the workers of {pipeline} have started before they could learn model.views (as IterBasedTrainLoop has '
            'them do): give mmdualkd.SampleViews the views too, or set num_workers=0'
        )
    sampler.use(plan)
