"""What can be known to be wrong before the first step."""

import logging
from pathlib import Path

from mmaction.datasets import RawframeDataset
from mmaction.datasets.transforms import DecordInit, OpenCVInit, PyAVInit, SampleFrames
from mmengine.dataset import InfiniteSampler
from mmengine.dist import all_gather_object, get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.optim import AmpOptimWrapper
from mmengine.runner import BaseLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from ..cache.data import attach
from ..checkpoint import trained_with
from ..datasets.robust import source_of
from ..datasets.wrappers import plain_datasets
from ..errors import ConfigError
from ..fragments import TERMS
from ..learning_rate import tell_batch
from ..names import STUDENT
from ..registry import HOOKS
from ..top_keys import NUM_CLASSES, meant_values, places
from ..views import SampleViews, ViewPlan
from ..zoo.pretrained import check_pretrained
from ..zoo.weights import class_names, classes_of
from .averaging import check_averaging, check_metrics
from .class_order import check_class_folders, check_class_names, check_teacher_classes, check_tested_classes
from .epoch_seed import EpochSeedHook, sampler_of
from .labels import check_labels
from .learned import tell_of_learned, tell_of_shared
from .loading import check_load_from, check_weights
from .optimizer import check_optimizer
from .reaching import check_hooks
from .resume import check_source, tell_of_best
from .same_training import TRAINING, check_training, take_missed_steps, training_of


@HOOKS.register_module()
class PreflightHook(Hook):
    """Checks data against the model before training, and tells the train pipeline's sampler which views the model has.

    A run that is resumed is checked too, see :mod:`~mmdualkd.hooks.resume` and :mod:`~mmdualkd.hooks.same_training`,
    and weights that are loaded into a training or a test, see :mod:`~mmdualkd.hooks.loading`.

    Raises:
        CheckpointError: If a run cannot be resumed from a checkpoint: it is missing, not whole, or of another training;
            if weights that are loaded are of another model.
        DataError: If a data set is empty, declares another number of classes, holds a label that the model has no
            class for, has samples without a label where none can be, names other classes than the first data set
            does (folders of pictures that differ), or numbers folders, one a class, otherwise than an earlier one, or
            the checkpoint of a teacher, or of a test, names them in another order.
        ConfigError: If the train pipeline of videos has no ``SampleViews``, or one with other views than the model's;
            if a key at the top of the config did not reach what follows it (see :mod:`~mmdualkd.top_keys`); if an
            epoch has no batch, or the processes would train on different numbers of samples; if the optimizer's
            constructor or a hook does not fit a distiller (see :mod:`~mmdualkd.hooks.optimizer` and
            :mod:`~mmdualkd.hooks.reaching`); if weights that an ``init_cfg``
            names were not read; if accuracies of more answers than classes are asked for.
    """

    priority = 'HIGH'  # EMAHook loads its weights while a checkpoint is loaded
    learned: tuple[str, list[str]] = ('', [])  # the checkpoint that was loaded, and the classes that it names
    trained_with: str | None = None  # the config in it

    def before_run(self, runner: Runner) -> None:
        check_source(runner)
        check_load_from(runner)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        check_training(runner, checkpoint)
        check_weights(runner, checkpoint)
        self.learned = str(runner._load_from), class_names(checkpoint)
        self.trained_with = trained_with(checkpoint, runner._load_from or '')

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        checkpoint['meta'][TRAINING] = training_of(runner)

    def before_train(self, runner: Runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        student = getattr(model, 'student', model)
        if runner._resume:
            take_missed_steps(runner.param_schedulers)
        elif runner._load_from is None:
            check_pretrained(student, 'model' if student is model else 'model.student')
        tell_of_best(runner)
        check_top_keys(runner, student)
        tell_batch(runner)
        check_hooks(model, getattr(runner, 'hooks', ()))
        check_optimizer(model, getattr(runner, 'optim_wrapper', None), runner.cfg.get('optim_wrapper') or {})
        loops = {'train': runner.train_loop, 'val': runner.val_loop}
        named, unlabelled, folders = None, 0, {}
        for split, loop in loops.items():
            for dataset in plain_datasets(loop.dataloader.dataset) if loop is not None else ():
                where = f'{split}_dataloader.dataset ({source_of(dataset)})'
                unlabelled += check_labels(dataset, split, where, model)
                named = check_class_names(dataset, where, named)
                check_class_folders(dataset, where, folders)
                tell_of_rate(dataset, where)
                if split == 'val':
                    check_samples_plainly(dataset, where)
                    check_metrics(dataset, where, loop)
                    tell_of_learned(self._trained_with(runner, model), dataset, where)
                    tell_of_shared(runner.train_loop.dataloader.dataset, dataset, where)
                if split == 'train' and hasattr(model, 'plan') and not getattr(model, 'of_pictures', False):
                    # IterBasedTrainLoop has started its workers when it was built; EpochSeedHook starts them anew
                    seeds = any(isinstance(hook, EpochSeedHook) for hook in getattr(runner, 'hooks', ()))
                    started = hasattr(loop, 'dataloader_iterator') and loop.dataloader.num_workers > 0 and not seeds
                    alone = STUDENT if getattr(model, 'cache', None) is not None else None
                    hand_views(dataset, model.plan, 'the train pipeline', started, alone)
            if split == 'val' and loop is not None:
                check_averaging(model, loop)
                check_topk(loop, student, 'val_evaluator')
            if split == 'train' and unlabelled:
                model.expect_unlabelled()
            if split == 'train' and loop is not None:
                check_batches(loop.dataloader)
                if message := lone_samples(model, loop.dataloader, get_world_size()):
                    print_log(message, logger='current', level=logging.WARNING)
                if getattr(model, 'cache', None) is not None:
                    cfg = runner.cfg.get('train_dataloader', {}).get('dataset')
                    attach(model.cache, loop.dataloader.dataset, cfg, isinstance(runner.optim_wrapper, AmpOptimWrapper))
                check_teacher_classes(getattr(model, 'teachers', {}), named)

    def before_test(self, runner: Runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        for dataset in plain_datasets(runner.test_loop.dataloader.dataset):
            where = f'test_dataloader.dataset ({source_of(dataset)})'
            check_labels(dataset, 'test', where, model)
            tell_of_rate(dataset, where)
            check_tested_classes(*self.learned, dataset, where)
            check_metrics(dataset, where, runner.test_loop)
            tell_of_learned({f'checkpoint={self.learned[0]!r}': self.trained_with}, dataset, where)
        check_averaging(model, runner.test_loop)
        check_topk(runner.test_loop, getattr(model, 'student', model), 'test_evaluator')

    def _trained_with(self, runner: Runner, model: nn.Module) -> dict[str, str | None]:
        """The configs that teachers, and weights that the student begins with, were trained with."""
        models = {f'model.teachers.{name}': one for name, one in getattr(model, 'teachers', {}).items()}
        models |= {f'model.{STUDENT}': model.student} if hasattr(model, STUDENT) else {}
        found = {key: getattr(one, '_trained_with', None) for key, one in models.items()}
        return found if runner._resume else {**found, f'load_from={self.learned[0]!r}': self.trained_with}


def check_top_keys(runner: Runner, student: nn.Module) -> None:
    """Refuses keys at the top of the config that did not reach model and data sets (MMAction2's own tools)."""
    if runner.cfg.get(TERMS) not in (None, (runner.cfg.get('model') or {}).get(TERMS)):
        raise ConfigError(
            'terms at the top of the config does not reach the model: set model = dict(terms=dict(_delete_=True, '
            '**_base_.terms)) as well, or train with tools/train.py of mmdualkd'
        )
    classes, file = classes_of(student)[1], runner.cfg.filename
    if file is None or not Path(file).is_file():
        return
    found, meant = places(runner.cfg), meant_values(runner.cfg, file)
    if meant.pop(NUM_CLASSES, None) not in (None, classes) and classes is not None:
        top = found[NUM_CLASSES].top
        key = 'model.num_classes' if 'student' in runner.cfg.model else f'model.{classes_of(student)[0]}.num_classes'
        raise ConfigError(
            f'num_classes={top} at the top of the config does not reach the model, which has {classes} classes: set '
            f'{key}={top} as well, or train with tools/train.py of mmdualkd'
        )
    for key, value in meant.items():
        if value != found[key].own:
            part = '.'.join(map(str, found[key].path))
            raise ConfigError(
                f'{found[key].name}={value!r} at the top of the config does not reach {part}, which is '
                f'{found[key].own!r}: set that as well, or train with tools/train.py of mmdualkd'
            )


def check_topk(loop: BaseLoop, student: nn.Module, key: str) -> None:
    """Refuses MMPretrain's accuracy of more answers than there are classes, which fails behind the first epoch.

    Args:
        loop: A validation or test.
        student: What is judged.
        key: Where its metrics stand in the config, for errors.

    Raises:
        ConfigError: Names the metric.
    """
    classes = classes_of(student)[1]
    for metric in getattr(getattr(loop, 'evaluator', None), 'metrics', ()):
        topk = getattr(metric, 'topk', None)
        if isinstance(topk, tuple) and classes is not None and max(topk, default=0) > classes:
            raise ConfigError(
                f'{key}: {type(metric).__name__} of topk={topk}, but the model has {classes} classes: '
                f'topk={tuple(k for k in topk if k <= classes) or (1,)}'
            )


def check_samples_plainly(dataset: object, where: str) -> None:
    """Refuses ``SampleViews`` in a pipeline that the student alone sees, as stock recognizers see it."""
    transforms = getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
    if any(isinstance(transform, SampleViews) for transform in transforms):
        raise ConfigError(
            f'{where}: its pipeline has SampleViews, which is for training; put SampleFrames in its place'
        )


def tell_of_rate(dataset: object, where: str) -> None:
    """Tells of a ``target_fps`` of ``SampleFrames`` that MMAction2 leaves aside: folders of frames have no rate."""
    for transform in getattr(getattr(dataset, 'pipeline', None), 'transforms', ()):
        rate = getattr(transform, 'target_fps', None)
        if rate is not None and isinstance(transform, SampleFrames) and isinstance(dataset, RawframeDataset):
            message = (
                f'{where}: SampleFrames has target_fps={rate}, but folders of frames have no rate: it counts frames'
            )
            print_log(message, logger='current', level=logging.WARNING)


def check_batches(loader: DataLoader) -> None:
    """Refuses an epoch without a batch, and processes that train on different numbers of samples."""
    sampler = sampler_of(loader)
    counts = all_gather_object(len(sampler)) if hasattr(sampler, '__len__') else [0]
    if len(set(counts)) > 1:
        raise ConfigError(
            f'train_dataloader.sampler gives the processes {counts} samples, by rank, so some would wait for batches '
            'that others do not have: set train_dataloader.sampler.round_up=True'
        )
    if not isinstance(sampler, InfiniteSampler) and len(loader) == 0:
        size = getattr(loader.batch_sampler, 'batch_size', None)
        raise ConfigError(
            f'train_dataloader: an epoch has no batch. batch_size={size} and drop_last=True leave out all of the '
            f'{counts[0]} samples that a process has: lower batch_size, or set drop_last=False'
        )


def lone_samples(model: nn.Module, loader: DataLoader, processes: int) -> str | None:
    """Names terms that compare the samples of a batch where it has too few: nothing learns from them; None without any.

    Args:
        model: What is trained.
        loader: Its training data.
        processes: How many train together; their batches are compared as one.
    """
    size = getattr(loader.batch_sampler, 'batch_size', None)
    if size is None:
        return None
    rows = size * processes * getattr(model, 'rows', 1)
    terms = {name: term for name, term in getattr(model, 'terms', {}).items() if term.weight}
    alone = {name: term.fewest_samples for name, term in terms.items() if term.fewest_samples > rows}
    if not alone:
        return None
    named = ', '.join(f'{name} (from {fewest} samples on)' for name, fewest in alone.items())
    return (
        f'model.terms: nothing learns from {named}, which compare the samples of a batch with one another, and a batch '
        f'has {rows}: raise train_dataloader.batch_size={size} (batches that are accumulated are not compared)'
    )


def hand_views(dataset: object, plan: ViewPlan, pipeline: str, started: bool = False, alone: str | None = None) -> None:
    """Gives a model's views to the ``SampleViews`` of a data set's pipeline; views of its own must be the same.

    Args:
        dataset: A data set without wrappers.
        plan: The model's.
        pipeline: What the pipeline is, for errors.
        started: Whether worker processes have their copies of the data set already.
        alone: The only view whose frames are decoded; None decodes those of all.

    Raises:
        ConfigError: If the pipeline opens videos where the data are folders of frames, has no ``SampleViews``, one with
            other views, or one without views in workers that have started.
    """
    transforms = getattr(dataset.pipeline, 'transforms', ())
    opener = next(
        (type(one).__name__ for one in transforms if isinstance(one, DecordInit | OpenCVInit | PyAVInit)), None
    )
    if opener is not None and isinstance(dataset, RawframeDataset):
        raise ConfigError(
            f'{pipeline} opens video files ({opener}), and {source_of(dataset)} lists folders of frames: leave it out, '
            'with RawFrameDecode in place of what decodes'
        )
    sampler = next((transform for transform in transforms if isinstance(transform, SampleViews)), None)
    if sampler is None:
        raise ConfigError(f'{pipeline} has no mmdualkd.SampleViews: put it in place of SampleFrames')
    more = sampler.plan.specs if sampler.plan is not None else {}
    if list(plan.specs) == [STUDENT] and len(more) > 1 and more.get(STUDENT) == plan.specs[STUDENT]:
        plan, alone = sampler.plan, STUDENT  # a student alone, on the moments that it would see beside the other views
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
    sampler.use(plan, alone)
