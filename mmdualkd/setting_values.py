"""Values of a training config that cannot work, where MMEngine would find out late or not at all."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from mmengine.config import Config

from .dataset_configs import plain_configs
from .errors import ConfigError, check_name, check_not_negative, check_positive
from .names import ASSISTANT, STUDENT

LEAST = {  # whole numbers, and the least that they may be
    'train_cfg.max_epochs': 1,
    'train_cfg.max_iters': 1,
    'train_cfg.val_interval': 1,
    'optim_wrapper.accumulative_counts': 1,
    'default_hooks.logger.interval': 1,
    'auto_scale_lr.base_batch_size': 1,
    **{
        f'{split}_dataloader.{name}': least
        for split in ('train', 'val', 'test')
        for name, least in (('batch_size', 1), ('num_workers', 0), ('dataset.times', 1))
    },
}
ENVIRONMENT = ('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit')
ACCURACIES = {  # what the libraries' accuracies call themselves in the log
    'AccMetric': ('acc/top1', 'acc/top5', 'acc/mean1'),
    'Accuracy': ('accuracy/top1', 'accuracy/top5'),
}
FACTORS = ('lr_mult', 'decay_mult')  # of a part of the model, by paramwise_cfg.custom_keys
LAYER_DECAY = ('LearningRateDecayOptimizerConstructor', 'LearningRateDecayOptimWrapperConstructor')
OWN_HOOKS = ('PreflightHook', 'StudentCheckpointHook', 'CorruptVideoHook', 'EpochSeedHook', 'CheckFiniteHook')


def check_values(cfg: Config) -> None:
    """Refuses counts, optimizer settings and schedules of a config that cannot work.

    Args:
        cfg: The whole config.

    Raises:
        ConfigError: Names the key and the value.
    """
    training = {key: cfg.get(key) for key in ('train_dataloader', 'train_cfg', 'optim_wrapper')}
    for key, part in training.items():
        if not isinstance(part, dict) and any(other is not None for other in training.values()):
            raise ConfigError(f'{key} must be a dict to train with, got {part!r}')
    for key, least in LEAST.items():
        value = _value(cfg, key)
        if value is not None and (type(value) is not int or value < least):
            raise ConfigError(f'{key} must be a whole number from {least}, got {value!r}')
    if _value(cfg, 'auto_scale_lr.enable') and _value(cfg, 'auto_scale_lr.base_batch_size') is None:
        raise ConfigError(
            'auto_scale_lr.enable=True scales nothing without auto_scale_lr.base_batch_size, the batch that the '
            'learning rate is for'
        )
    if type(cfg.get('num_classes', 1)) is not int or cfg.get('num_classes', 1) < 1:
        raise ConfigError(f'num_classes must be a whole number from 1, got {cfg.num_classes!r}')
    if not isinstance(cfg.get('compile', False), bool | dict):
        raise ConfigError(f'compile must be True, False or a dict of torch.compile, got {cfg.compile!r}')
    for name in cfg.get('env_cfg') or {}:
        check_name('a key of env_cfg', name, ENVIRONMENT, 'setting')
    for name in cfg.get('randomness') or {}:
        check_name('a key of randomness', name, ('seed', 'diff_rank_seed', 'deterministic'), 'setting')
    seed = _value(cfg, 'randomness.seed')
    if seed is not None and (type(seed) is not int or not 0 <= seed < 2**32):
        raise ConfigError(f'randomness.seed must be None or a whole number from 0 to 2**32 - 1, got {seed!r}')
    if _distils(cfg) and cfg.get('data_preprocessor') is not None:
        raise ConfigError(
            'data_preprocessor at the top of the config reaches no model of a distiller: each has that of its own '
            'config, which model.student.model.data_preprocessor changes; set it to None'
        )
    wrapper = str(_value(cfg, 'model_wrapper_cfg.type'))
    if _distils(cfg) and wrapper.endswith('FullyShardedDataParallel'):
        raise ConfigError(
            f'model_wrapper_cfg.type={wrapper!r}: a distiller is not divided over devices, each has its teachers whole '
            'and finds its student by name: leave it out, which gives DDP'
        )
    for key in ('activation_checkpointing', 'efficient_conv_bn_eval') if _distils(cfg) else ():
        names = cfg.get(key) or ()
        for name in [names] if isinstance(names, str) else names:
            if str(name).partition('.')[0] not in (STUDENT, ASSISTANT, 'terms'):
                raise ConfigError(f"{key}: a distiller has no {name!r}; its student's is 'student.{name}'")
    if isinstance(cfg.get('optim_wrapper'), dict):
        _check_optimizer(cfg.optim_wrapper, _distils(cfg))
    intervals = _value(cfg, 'train_cfg.dynamic_intervals')
    if intervals is not None and not (isinstance(intervals, list) and all(type(one) is tuple for one in intervals)):
        raise ConfigError(
            f'train_cfg.dynamic_intervals must be a list of tuples [(from where on, interval), ...], got {intervals!r}'
        )
    _check_epochs(cfg)
    _check_schedules(cfg)
    _check_save_best(cfg)


def lost_hooks(cfg: Config) -> list[str]:
    """The hooks of ``configs/_base_/default_runtime.py`` that ``custom_hooks`` of a config replaced and lost.

    Those of a distillation, and of a model that trains alone on data sets of ours, whose seeds and repeated views
    (``num_views``) are nothing without :class:`~mmdualkd.hooks.EpochSeedHook`.
    """
    distils = _distils(cfg)
    kinds = [str(part.get('type')) for _, part in plain_configs(_value(cfg, 'train_dataloader.dataset'))]
    if not distils and not any(kind.startswith('mmdualkd.') for kind in kinds):
        return []
    hooks = [str(hook.get('type')).rpartition('.')[2] for hook in cfg.get('custom_hooks') or () if 'type' in hook]
    return [name for name in OWN_HOOKS if name not in hooks and (distils or name != 'StudentCheckpointHook')]


def _distils(cfg: Config) -> bool:
    return {'student', 'teachers'} <= set(cfg.model)


def _value(cfg: Mapping | Config, key: str) -> Any:
    """What stands at a dotted key; None if nothing does."""
    for name in key.split('.'):
        cfg = cfg.get(name) if isinstance(cfg, Mapping | Config) else None
    return cfg


def _check_optimizer(wrapper: Mapping, distils: bool) -> None:
    if 'optimizer' not in wrapper and 'constructor' not in wrapper:
        raise ConfigError("optim_wrapper has no optimizer: optimizer=dict(type='AdamW', lr=...)")
    constructor = str(wrapper.get('constructor'))
    if constructor.rpartition('.')[2] in LAYER_DECAY and distils:
        raise ConfigError(
            f"optim_wrapper.constructor={constructor!r} tells a layer's depth by its name in a plain model, and names "
            'of a distiller begin with `student.`: leave it out, and name layers in paramwise_cfg.custom_keys, as in '
            "{'backbone.blocks.0.': dict(lr_mult=0.1)}"
        )
    optimizer, clip = wrapper.get('optimizer'), wrapper.get('clip_grad')
    for name in ('lr', 'weight_decay'):
        if isinstance(optimizer, Mapping) and optimizer.get(name) is not None:
            check_not_negative(**{f'optim_wrapper.optimizer.{name}': optimizer[name]})
    if clip is not None:
        from torch.nn.utils import clip_grad

        if not isinstance(clip, Mapping):
            raise ConfigError(f'optim_wrapper.clip_grad must be a dict such as dict(max_norm=5.0), got {clip!r}')
        check_name('optim_wrapper.clip_grad.type', clip.get('type', 'norm'), ('norm', 'value'), 'way to clip')
        how = getattr(clip_grad, f'clip_grad_{clip.get("type", "norm")}_')
        _check_keys('optim_wrapper.clip_grad', clip, [*list(inspect.signature(how).parameters)[1:], 'type'])
        for name in {'max_norm', 'clip_value'} & set(clip):
            check_positive(**{f'optim_wrapper.clip_grad.{name}': clip[name]})
    if wrapper.get('paramwise_cfg') and 'constructor' not in wrapper:
        if not isinstance(wrapper['paramwise_cfg'], Mapping):
            raise ConfigError(f'optim_wrapper.paramwise_cfg must be a dict, got {wrapper["paramwise_cfg"]!r}')
        names = 'custom_keys bias_lr_mult bias_decay_mult norm_decay_mult flat_decay_mult dwconv_decay_mult'
        names += ' dcn_offset_lr_mult bypass_duplicate'
        _check_keys('optim_wrapper.paramwise_cfg', wrapper['paramwise_cfg'], names.split())
        _check_custom_keys(wrapper['paramwise_cfg'].get('custom_keys') or {})


def _check_custom_keys(rates: Any) -> None:
    """Refuses rates of parts of a model that are no dicts, or negative ones."""
    key, example = 'optim_wrapper.paramwise_cfg.custom_keys', 'dict(lr_mult=0.1)'
    if not isinstance(rates, Mapping):
        raise ConfigError(f"{key} must be a dict such as {{'backbone': {example}}}, got {rates!r}")
    for name, part in rates.items():
        if not isinstance(part, Mapping):
            raise ConfigError(f'{key}.{name} must be a dict such as {example}, got {part!r}')
        check_not_negative(**{f'{key}.{name}.{factor}': part[factor] for factor in FACTORS if factor in part})


def _check_epochs(cfg: Config) -> None:
    """Refuses what counts epochs in a loop of iterations, which has one: its end is that of the training."""
    loop, saver = cfg.get('train_cfg') or {}, _value(cfg, 'default_hooks.checkpoint') or {}
    kind = loop.get('type')
    if loop.get('by_epoch', True) and 'IterBasedTrainLoop' not in (kind, getattr(kind, '__name__', None)):
        return
    schedules = cfg.get('param_scheduler') or ()
    for number, schedule in enumerate([schedules] if isinstance(schedules, dict) else schedules):
        if schedule.get('by_epoch', True) and not schedule.get('convert_to_iter_based'):
            key = 'param_scheduler' if schedules is schedule else f'param_scheduler.{number}'
            raise ConfigError(
                f'{key} ({schedule.get("type")}) counts epochs, and an IterBasedTrainLoop has one: '
                'it would never step; set by_epoch=False and give its begin, end and milestones in iterations'
            )
    if saver.get('by_epoch', True) and saver.get('interval', -1) > 0:
        raise ConfigError(
            'default_hooks.checkpoint counts epochs, and an IterBasedTrainLoop has one: nothing could be resumed '
            'before its end; set by_epoch=False and give interval in iterations'
        )


def _check_schedules(cfg: Config) -> None:
    """Refuses a one-cycle schedule that ends before training does, or takes the place of the optimizer's rates.

    MMEngine would stop at that end with an error, and give all parameters ``eta_max`` whatever the optimizer says.
    """
    schedules, epochs = cfg.get('param_scheduler') or (), _value(cfg, 'train_cfg.max_epochs')
    rate = _value(cfg, 'optim_wrapper.optimizer.lr')
    for schedule in [schedules] if isinstance(schedules, dict) else schedules:
        steps = schedule.get('total_steps')
        by_epoch = schedule.get('convert_to_iter_based') or schedule.get('by_epoch', True)
        if steps is not None and epochs is not None and by_epoch and steps < epochs:
            raise ConfigError(
                f'param_scheduler.total_steps={steps} ends before train_cfg.max_epochs={epochs}: give both one number'
            )
        highest = schedule.get('eta_max')
        if highest is None:
            continue
        if rate is not None and rate != highest:
            raise ConfigError(
                f'optim_wrapper.optimizer.lr={rate} is not read, for the schedule sets the learning rate: '
                f'param_scheduler.eta_max={highest}; give both one number'
            )
        if 'lr_mult' in str(_value(cfg, 'optim_wrapper.paramwise_cfg')):
            raise ConfigError(
                'optim_wrapper.paramwise_cfg: lr_mult is not read where param_scheduler.eta_max sets the learning rate '
                'of all parameters; leave it out, or take a schedule without eta_max'
            )


def _check_save_best(cfg: Config) -> None:
    best, evaluators = _value(cfg, 'default_hooks.checkpoint.save_best'), cfg.get('val_evaluator')
    evaluators = [evaluators] if isinstance(evaluators, dict) else evaluators or ()
    kinds = [str(one.get('type')).rpartition('.')[2] for one in evaluators if isinstance(one, dict)]
    if best in (None, 'auto') or not kinds or not set(kinds) <= set(ACCURACIES):
        return
    for name in [best] if isinstance(best, str) else best:
        if '/' in name and not name.rpartition('/')[2].startswith(('top', 'mean')):
            continue  # of another metric, or one that only the user knows
        known = [value for kind in kinds for value in ACCURACIES[kind]]
        check_name('default_hooks.checkpoint.save_best', name, [*known, *_other_tops(evaluators)], 'metric')


def _other_tops(evaluators: Iterable[Mapping]) -> list[str]:
    """Accuracies within the first k, for the k that a config asks for."""
    tops = []
    for one in evaluators:
        asked = one.get('topk') or _value(one, 'metric_options.top_k_accuracy.topk') or ()
        tops += [f'{part}/top{k}' for part in ('acc', 'accuracy') for k in ([asked] if type(asked) is int else asked)]
    return tops


def _check_keys(key: str, part: Mapping, known: Iterable[str]) -> None:
    for name in part:
        check_name(f'a key of {key}', name, known, 'argument')
