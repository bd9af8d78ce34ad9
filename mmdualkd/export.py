"""A student's stock config, for plain MMAction2 or MMPretrain."""

import copy
import inspect
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import DATASETS, METRICS, MODELS, TRANSFORMS, init_default_scope
from torch import nn

from .dataset_configs import plain_configs
from .errors import ConfigError
from .registry import SCOPE, arguments_of
from .zoo.pretrained import scope_of, without_augments, without_pretrained
from .zoo.resolve import resolve_model
from .zoo.weights import load_teacher_weights

# Settings that a stock config keeps from the training config, beside the model.
KEPT = ('default_scope', 'env_cfg', 'log_processor', 'vis_backends', 'visualizer', 'log_level')
STOCK_HOOKS = dict(
    runtime_info=dict(type='RuntimeInfoHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=20, ignore_last=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', interval=1),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    sync_buffers=dict(type='SyncBuffersHook'),
)


def student_model(cfg: Config) -> ConfigDict:
    """The student's complete model config, as plain MMAction2 or MMPretrain builds it.

    Args:
        cfg: A training config, of a distiller or of a plain recognizer or classifier.

    Returns:
        The model config with its data preprocessor; nothing in it loads weights or blends samples.

    Raises:
        ConfigError: If the student is made of this package's own modules.
    """
    if 'student' in cfg.model:
        spec = {name: value for name, value in cfg.model.student.items() if name != 'checkpoint'}
        model, _ = resolve_model(spec, 'model.student', cfg.model.get('num_classes'))
    else:
        model, _ = without_augments(cfg.model)
        if 'data_preprocessor' in cfg:  # MMPretrain's configs hold it beside the model
            model.setdefault('data_preprocessor', cfg.data_preprocessor)
    model = without_pretrained(model)
    if model.get('_scope_') == cfg.get('default_scope', 'mmaction'):
        del model['_scope_']
    own = _own_types(model)
    if own:
        raise ConfigError(f'the student uses {", ".join(own)} of {SCOPE}: it cannot be built without {SCOPE}')
    return model


def stock_config(cfg: Config) -> tuple[Config, list[str]]:
    """Makes the config with which plain MMAction2 or MMPretrain tests and serves a student.

    Args:
        cfg: The training config.

    Returns:
        The config: model, validation and test settings, runtime; and remarks on what had no stock counterpart and was
        left out.

    Raises:
        ConfigError: See :func:`student_model`.
    """
    stock: dict[str, Any] = {name: cfg[name] for name in KEPT if name in cfg}
    stock.update(model=student_model(cfg), default_hooks=copy.deepcopy(STOCK_HOOKS), load_from=None, resume=False)
    stock.update(work_dir='work_dirs/student', launcher='none')
    if 'default_scope' not in stock:  # a Python-style config needs none, and the names below do
        stock['default_scope'] = (
            'mmpretrain' if str(stock['model'].get('type')).startswith('mmpretrain.') else 'mmaction'
        )
    local = [dict(type='LocalVisBackend')]  # others of the training (TensorBoard) may not be installed where it goes
    if 'vis_backends' in stock:
        stock['vis_backends'] = local
    if stock.get('visualizer'):
        stock['visualizer'] = {**stock['visualizer'], 'vis_backends': local}
    remarks = []
    for split in ('val', 'test'):
        names = [f'{split}_{part}' for part in ('dataloader', 'evaluator', 'cfg')]
        if any(cfg.get(name) is None for name in names):
            continue
        parts = copy.deepcopy({name: cfg[name] for name in names})
        _make_stock(parts)
        own = _own_types(parts)
        pipeline = _pipeline(parts[names[0]].dataset)
        if any(name.endswith('.SegmentInit') for name in own):
            pipeline = [dict(type='DecordInit') if t.type.endswith('.SegmentInit') else t for t in pipeline]
            remarks.append(f'{split}_pipeline reads whole videos: cut the segments out of the long videos first')
        if pipeline is not None and not _own_types(pipeline):
            stock[f'{split}_pipeline'] = pipeline
        if own:
            remarks.append(f'{", ".join(names)} left out: plain OpenMMLab has no {", ".join(own)}')
        else:
            stock.update(parts)
            for _, part in plain_configs(parts[names[0]].dataset):
                remarks += _unread_names(names[0], part)
            if any(step.get('short_side') and _is_opener(step) for step in _pipeline(cfg[names[0]].dataset) or ()):
                remarks.append(
                    f'{names[0]}: plain MMAction2 decodes without short_side, so that pixels differ a little'
                )
            counts = [count for _, part in plain_configs(cfg[names[0]].dataset) if (count := part.get('per_class'))]
            if counts:
                remarks.append(
                    f'{names[0]}: plain MMPretrain tests on all pictures, for it knows no per_class={counts[0]}'
                )
    imports = _needed_imports(cfg, stock)
    if imports:
        stock['custom_imports'] = dict(imports=imports, allow_failed_imports=False)
        remarks.append(f'the config still imports {", ".join(imports)}, where modules of the student are defined')
    return Config(stock), remarks


def build_student(cfg: Config) -> nn.Module:
    """The student as plain MMAction2 or MMPretrain builds it, with random weights.

    Args:
        cfg: The stock config, see :func:`stock_config`.
    """
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    return MODELS.build({'_scope_': scope_of(cfg.model), **copy.deepcopy(cfg.model)})


def load_student(cfg: Config, checkpoint: str | Path) -> nn.Module:
    """The student with its weights; none of another model, which plain OpenMMLab would load in part.

    Args:
        cfg: The stock config, see :func:`stock_config`.
        checkpoint: A training checkpoint or a student's.

    Raises:
        CheckpointError: Names what does not fit.
    """
    model = build_student(cfg)
    load_teacher_weights(model, str(checkpoint), 'checkpoint')
    return model


def _needed_imports(cfg: Config, stock: dict) -> list[str]:
    """Those of the training config's ``custom_imports`` that define something which the stock config names."""
    imports = (cfg.get('custom_imports') or {}).get('imports') or []
    imports = [imports] if isinstance(imports, str) else list(imports)
    scope = cfg.get('default_scope', 'mmaction')
    homes = {cls.__module__ for name in _types(stock) for cls in [_registered(name, scope)] if inspect.isclass(cls)}
    return [name for name in imports if any(f'{home}.'.startswith(f'{name}.') for home in homes)]


def _registered(name: str, scope: str) -> Any:
    """The class that a config names, None if there is none."""
    name = name if '.' in name else f'{scope}.{name}'
    return next((found for root in (MODELS, DATASETS, TRANSFORMS, METRICS) if (found := root.get(name))), None)


def _pipeline(dataset: dict) -> list | None:
    """The pipeline of a dataset or of the first dataset that it wraps."""
    return next((part['pipeline'] for _, part in plain_configs(dataset) if 'pipeline' in part), None)


def _unread_names(loader: str, dataset: dict) -> list[str]:
    """A remark where a list has names that MMAction2's own data set takes for several columns."""
    file, delimiter = Path(dataset.get('ann_file') or ''), dataset.get('delimiter', ' ')
    if (
        str(dataset.get('type')).rpartition('.')[2] != 'VideoDataset'
        or dataset.get('multi_class')
        or not file.is_file()
    ):
        return []
    lines = file.read_text(encoding='utf-8-sig').split('\n')
    name = next((name for line in lines if delimiter in (name := line.strip().rpartition(delimiter)[0])), None)
    if name is None:
        return []
    return [
        f'{loader}: plain MMAction2 reads no names with {delimiter!r} in them, such as {name!r}: to test there, rename '
        'the files, or list them with another dataset.delimiter'
    ]


def _make_stock(cfg: Any) -> None:
    """Puts the data sets that ours derive from in their place, in place; arguments that only ours take go."""
    if isinstance(cfg, dict) and str(cfg.get('type')).startswith(f'{SCOPE}.'):
        name = cfg['type'].rpartition('.')[2]
        if _is_opener(cfg):
            cfg['type'] = 'DecordInit'
            for argument in ('short_side', 'keep_in', 'keep_gb'):
                cfg.pop(argument, None)
        ours = DATASETS.get(cfg['type'])
        theirs = (
            next((base for base in ours.__mro__ if base.__name__ == name and base is not ours), None) if ours else None
        )
        if theirs is not None:
            for argument in arguments_of(ours) - arguments_of(theirs):
                cfg.pop(argument, None)
            cfg['type'] = name
    for value in cfg.values() if isinstance(cfg, dict) else cfg:
        if isinstance(value, dict | list | tuple):
            _make_stock(value)


def _is_opener(step: dict) -> bool:
    """Whether a step of a pipeline opens a video, by a class of ours or of that name."""
    return str(step.get('type')).rpartition('.')[2] in ('DecordInit', 'TorchCodecInit')


def _own_types(cfg: Any) -> list[str]:
    """Types of this package in a config."""
    return [name for name in _types(cfg) if name.startswith(f'{SCOPE}.')]


def _types(cfg: Any) -> list[str]:
    """Every ``type`` in a config."""
    if isinstance(cfg, dict):
        own = [cfg['type']] if isinstance(cfg.get('type'), str) else []
        return own + [name for value in cfg.values() for name in _types(value)]
    return [name for value in cfg for name in _types(value)] if isinstance(cfg, list | tuple) else []
