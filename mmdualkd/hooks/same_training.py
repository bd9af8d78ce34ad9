"""Whether a checkpoint that is resumed is of the training that a config describes."""

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import get_world_size
from mmengine.hooks import EarlyStoppingHook, EMAHook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict, ReduceOnPlateauParamScheduler
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import nn

from ..batch_size import batch_of
from ..differences import differences, flat
from ..errors import CheckpointError, listed
from .resume import STATE, source_of_resume

TRAINING = 'training'  # the key in a checkpoint's meta
LEEWAY = 0.01  # of the batches of an epoch: a few samples were mended or removed
# what a resume may change: where files lie and how they are read, where a model begins, how it is tested, how memory is
# spent; everything else of what a training is made of has to be the same
FREE = {'data_root', 'data_prefix', 'lazy_init', 'serialize_data', 'max_refetch', 'num_views', 'keep_in', 'keep_gb'}
FREE |= {'num_threads', 'io_backend', 'backend_args', 'file_client_args', 'batch_size', 'drop_last', 'num_workers'}
FREE |= {'persistent_workers', 'pin_memory', 'pin_memory_device', 'prefetch_factor', 'multiprocessing_context'}
FREE |= {'timeout', 'checkpoint', 'init_cfg', 'pretrained', 'teacher_cache', 'test_cfg', 'average_clips', 'topk'}
FREE |= {'with_cp', 'compile'}
USUAL = {'optim_wrapper.accumulative_counts': 1, 'model.warmup_iters': 0}  # defaults written out
HOOKS = 'EMAHook', 'EpochSeedHook', 'SwitchRecipeHook'  # those that change what is trained


def check_training(runner: Runner, checkpoint: dict[str, Any]) -> None:
    """Refuses a checkpoint without the state of a training, or of another training than the runner's.

    MMEngine would load what fits and leave the rest as it is initialised.

    Args:
        runner: The runner, with its model and optimizer built.
        checkpoint: What it is about to resume.

    Raises:
        CheckpointError: Names what differs: tensors, optimizer, terms, schedules, teachers.
    """
    if not runner._resume:
        return
    path = str(source_of_resume(runner))
    if not set(checkpoint) >= STATE:
        what = "a student's weights" if Path(path).name.startswith('student_') else 'weights'
        raise CheckpointError(
            f'resume: {path!r} holds {what} without the state of a training (optimizer, schedules). Resume from '
            'the checkpoint that last_checkpoint names; to start a new training from weights, use load_from or '
            'model.student.checkpoint'
        )
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    there = {name.removeprefix('module.'): value for name, value in checkpoint['state_dict'].items()}
    faults = _other_tensors(there, model.state_dict()) + _other_groups(checkpoint['optimizer'], runner.optim_wrapper)
    faults = faults or other_order(there, model.state_dict(), [name for name, _ in model.named_parameters()])
    ours, theirs = training_of(runner), (checkpoint.get('meta') or {}).get(TRAINING) or {}
    faults += [
        f'{key} {theirs[key]} there, {ours[key]} here'
        for key in ('optimizer', 'terms')
        if theirs.get(key, ours[key]) != ours[key]
    ]
    faults += differences(theirs.get('config', ours['config']), ours['config'])
    before, now = theirs.get('epoch', ours['epoch']), ours['epoch']
    there, here = theirs.get('batch', ours['batch']), ours['batch']
    if not (before and now) and before != now:
        faults.append(f'a loop of {_unit(before)} there, of {_unit(now)} here (train_cfg)')
    elif there != here:
        faults.append(f'batches of {there} samples there, of {here} here (batch_size, processes)')
    elif abs(now - before) > LEEWAY * before:  # schedules, and the rate that they end with, count iterations
        faults.append(f'{before} batches an epoch there, {now} here (data)')
    elif now == before:
        faults += _let_schedules_go_on(checkpoint.get('param_schedulers'), runner.param_schedulers)
    if 'ema_state_dict' in checkpoint and not any(isinstance(hook, EMAHook) for hook in runner.hooks):
        faults.append('averaged weights there (EMAHook), none here')
    for name, here in ours['teachers'].items():
        there = theirs.get('teachers', {}).get(name, here)
        if there['sha256'] != here['sha256']:
            faults.append(f'the weights of model.teachers.{name} {there["file"]} there, {here["file"]} here')
        faults += [
            f'model.teachers.{name}: {one}'
            for one in differences(there.get('network', here['network']), here['network'])
        ]
    if faults:
        raise CheckpointError(
            f'resume: {path!r} is of another training than this config describes: {"; ".join(faults)}. Resume with '
            'the config that it was started with, or start a new training from its weights with load_from'
        )
    tell_of_lost(runner)
    if not isinstance(runner.train_loop, IterBasedTrainLoop):
        step, limit = 'epoch', 'max_epochs'
    else:
        step, limit = 'iter', 'max_iters'
    if (done := checkpoint['meta'][step]) >= getattr(runner.train_loop, limit):
        message = f'resume: nothing left to train: {path!r} is of {step} {done}, train_cfg.{limit}={done}'
        print_log(message, logger='current', level=logging.WARNING)


def tell_of_lost(runner: Runner) -> None:
    """Warns of what counts validations: checkpoints are written before an epoch's, and hold nothing of a hook's."""
    schedules = runner.param_schedulers if isinstance(runner.param_schedulers, list) else []
    lost = [hook for hook in runner.hooks if isinstance(hook, EarlyStoppingHook)]
    lost += [one for one in schedules if isinstance(one, ReduceOnPlateauParamScheduler)]
    for one in lost:
        message = (
            f'resume: {type(one).__name__} does not know all validations before the checkpoint, so that the training '
            'may end otherwise than if it had not been interrupted'
        )
        print_log(message, logger='current', level=logging.WARNING)


def training_of(runner: Runner) -> dict[str, Any]:
    """What no tensor of a checkpoint says about a training.

    Returns:
        The classes of its ``optimizer`` and of its ``terms``, all of its ``config`` that makes a training what it is,
        the samples of a ``batch`` in all processes, the number of batches in an ``epoch`` (0 of a loop without epochs),
        and of each of its ``teachers`` file and checksum of the weights, and the settings of its network.
    """
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    terms = getattr(model, 'terms', {})
    batch = batch_of(runner.cfg, get_world_size())
    return dict(
        optimizer=_optimizer(runner.optim_wrapper),
        terms=', '.join(f'{name}={type(terms[name]).__name__}' for name in sorted(terms)) or 'none',
        config=_config(model, runner.cfg),
        batch=batch.samples * batch.processes,
        epoch=0 if isinstance(runner.train_loop, IterBasedTrainLoop) else len(runner.train_dataloader),
        teachers={
            name: {**teacher._source, 'network': _held(teacher._settings)}
            for name, teacher in getattr(model, 'teachers', {}).items()
            if hasattr(teacher, '_source')
        },
    )


def _unit(epoch: int) -> str:
    return 'epochs' if epoch else 'iterations'


def _config(model: nn.Module, cfg: Mapping) -> dict[str, Any]:
    """What a config says of model, data, optimizer and schedules, by full keys, less what a resume may change.

    A distiller's student stands there with its own file's settings, its teachers by name alone.
    """
    schedules, scale = cfg.get('param_scheduler') or [], cfg.get('auto_scale_lr') or {}
    parts = dict(
        train_dataloader=cfg.get('train_dataloader'),
        optim_wrapper={'type': 'OptimWrapper', **(cfg.get('optim_wrapper') or {})},
        param_scheduler=[schedules] if 'type' in schedules else schedules,
        auto_scale_lr=scale if scale.get('enable') else None,
        sync_bn=cfg.get('sync_bn'),
    )
    for hook in cfg.get('custom_hooks') or ():
        parts |= {name: hook for name in HOOKS if name in str(hook.get('type'))}
    of_model = cfg.get('model') or {}  # a runner that is built in Python may have no config
    if hasattr(model, 'student_config'):
        names = ', '.join(sorted(of_model.get('teachers') or {}))
        parts['model'] = {**of_model, 'teachers': names, 'student': None}
        settings = flat('model.student', model.student_config, empty=True)
    else:
        settings = flat('model', of_model, empty=True)
    for key, part in parts.items():
        settings |= flat(key, part)
    return _held(settings)


def _held(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those that a resume may not change."""
    return {
        key: value
        for key, value in settings.items()
        if not FREE & set(key.split('.')) and not (key in USUAL and value == USUAL[key])
    }


def _optimizer(wrapper: OptimWrapper) -> str:
    if isinstance(wrapper, OptimWrapperDict):
        return ', '.join(f'{name}={_optimizer(part)}' for name, part in wrapper.items())
    return type(wrapper.optimizer).__name__


def _let_schedules_go_on(there: Any, here: Any) -> list[str]:
    """Moves the ends of schedules that last as long as training, and whose shape does not hang on it, in place.

    MMEngine would restore the end that the former number of epochs gave them: rates would stand still from there on.

    Args:
        there: The states of a checkpoint.
        here: The schedules of the runner.

    Returns:
        How schedules differ that another number of epochs makes steeper or flatter.
    """
    if not isinstance(there, list) or not isinstance(here, list):
        return []
    faults = []
    for number, (state, schedule) in enumerate(zip(there, here, strict=False)):
        if state.get('end') == schedule.end:
            continue
        lengths = [(state.get(key), getattr(schedule, key, None)) for key in ('total_iters', 'T_max', 'total_steps')]
        if other := [pair for pair in lengths if pair[0] != pair[1]]:
            faults.append(f'param_scheduler.{number} over {other[0][0]} steps there, {other[0][1]} here (max_epochs)')
        else:
            state['end'] = schedule.end
    return faults


def take_missed_steps(schedules: Any) -> None:
    """Takes the step that a schedule left out at what was its end, see :func:`_let_schedules_go_on`.

    Args:
        schedules: Those of the runner, resumed.
    """
    for schedule in schedules if isinstance(schedules, list) else ():
        within = schedule.begin <= schedule._global_step < schedule.end
        if within and schedule.last_step == schedule._global_step - schedule.begin - 1:
            schedule._global_step -= 1
            schedule.step()


def _other_tensors(there: dict, here: dict) -> list[str]:
    """How two state dicts differ; what TPN's head adds in its first test does not count."""
    there, here = ({name: value for name, value in state.items() if 'new_cls.' not in name} for state in (there, here))
    shapes = [
        f'{name}: {tuple(there[name].shape)} there, {tuple(here[name].shape)} here'
        for name in here
        if name in there and there[name].shape != here[name].shape
    ]
    lists = {
        'of another shape': shapes,
        'only there': [name for name in there if name not in here],
        'only here': [name for name in here if name not in there],
    }
    return [f'{len(names)} tensors {what} ({listed(names, 2)})' for what, names in lists.items() if names]


def other_order(there: dict, here: dict, parameters: Collection[str]) -> list[str]:
    """Whether parameters, by whose places an optimizer knows them, are in another order than in a checkpoint."""
    known = set(parameters)
    before, now = ([name for name in state if name in known] for state in (there, here))
    first = next((one for one, other in zip(before, now, strict=True) if one != other), None)
    if first is None:
        return []
    return [
        f'parameters, from {first} on, in another order, which is that of model.terms and model.teachers in the config'
    ]


def _other_groups(there: dict, wrapper: OptimWrapper) -> list[str]:
    """How the optimizers' parameter groups differ in number."""
    counts = [
        [len(group['params']) for group in state.get('param_groups', ())] for state in (there, wrapper.state_dict())
    ]
    if counts[0] == counts[1]:
        return []
    there, here = (f'{len(count)} groups of {sum(count)} parameters' for count in counts)
    return [f"the optimizer's {there} there, {here} here"]
