"""A student's stock config, for plain MMAction2 or MMPretrain, and its ONNX model."""

import copy
import inspect
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from mmengine.registry import DATASETS, METRICS, MODELS, TRANSFORMS, init_default_scope
from torch import nn

from .errors import CheckpointError, ConfigError
from .files import replacing
from .outputs import Scores
from .registry import SCOPE
from .zoo.pretrained import scope_of, without_augments, without_pretrained
from .zoo.resolve import resolve_model
from .zoo.weights import load_teacher_weights

# Settings that a stock config keeps from the training config, beside the model.
KEPT = ('default_scope', 'env_cfg', 'log_processor', 'vis_backends', 'visualizer', 'log_level')
# Two sizes that a file might have (height, width): a pipeline that fixes the size gives the same of both.
SIZES = ((240, 320), (288, 256))
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
            remarks += _unread_names(names[0], parts[names[0]].dataset)
    imports = _needed_imports(cfg, stock)
    if imports:
        stock['custom_imports'] = dict(imports=imports, allow_failed_imports=False)
        remarks.append(f'the config still imports {", ".join(imports)}, where modules of the student are defined')
    return Config(stock), remarks


def load_student(cfg: Config, checkpoint: str | Path) -> nn.Module:
    """The student with its weights; none of another model, which plain OpenMMLab would load in part.

    Args:
        cfg: The stock config, see :func:`stock_config`.
        checkpoint: A training checkpoint or a student's.

    Raises:
        CheckpointError: Names what does not fit.
    """
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    model = MODELS.build({'_scope_': scope_of(cfg.model), **copy.deepcopy(cfg.model)})
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
    """The pipeline of a dataset or of the dataset that it wraps."""
    while 'pipeline' not in dataset and isinstance(dataset.get('dataset'), dict):
        dataset = dataset['dataset']
    return dataset.get('pipeline')


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
        if name in ('DecordInit', 'TorchCodecInit'):
            cfg['type'] = 'DecordInit'
            for argument in ('short_side', 'keep_in', 'keep_gb'):
                cfg.pop(argument, None)
        ours = DATASETS.get(cfg['type'])
        theirs = (
            next((base for base in ours.__mro__ if base.__name__ == name and base is not ours), None) if ours else None
        )
        if theirs is not None:
            for argument in _arguments(ours) - _arguments(theirs):
                cfg.pop(argument, None)
            cfg['type'] = name
    for value in cfg.values() if isinstance(cfg, dict) else cfg:
        if isinstance(value, dict | list | tuple):
            _make_stock(value)


def _arguments(cls: type) -> set[str]:
    """Names of a constructor's arguments."""
    return set(inspect.signature(cls).parameters)


def _own_types(cfg: Any) -> list[str]:
    """Types of this package in a config."""
    return [name for name in _types(cfg) if name.startswith(f'{SCOPE}.')]


def _types(cfg: Any) -> list[str]:
    """Every ``type`` in a config."""
    if isinstance(cfg, dict):
        own = [cfg['type']] if isinstance(cfg.get('type'), str) else []
        return own + [name for value in cfg.values() for name in _types(value)]
    return [name for value in cfg for name in _types(value)] if isinstance(cfg, list | tuple) else []


def export_onnx(
    cfg: Config, checkpoint: str | Path, out: str | Path, tolerance: float = 1e-4
) -> tuple[float, list[str]]:
    """Exports a student to ONNX and compares the result with onnxruntime's.

    The input is one clip of a validation video (its segments, or a picture) as the model's data preprocessor hands it
    on: normalised, (N, clips, C, T, H, W), (N, segments, C, H, W) or (N, C, H, W). The output is (N * clips, classes),
    before the softmax. N is free unless the model's own code fixes it; then it is 1. H and W are those of the
    validation pipeline; where that leaves them to the picture they are free, unless the model's own code fixes them.

    Args:
        cfg: The stock config, see :func:`stock_config`.
        checkpoint: The student's checkpoint.
        out: The file to write, whole or not at all.
        tolerance: Largest difference allowed, relative to the largest score (or to 1 if that is smaller).

    Returns:
        The largest difference between PyTorch's and onnxruntime's scores of random clips; remarks on sizes that are
        free, or fixed to something that the config does not say.

    Raises:
        CheckpointError: If the model cannot be exported, the scores differ by more than the tolerance, or the file
            cannot be written.
        ConfigError: If onnx or onnxruntime is missing, or the config has no validation pipeline.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise ConfigError(f'--onnx needs onnx and onnxruntime ({error}); run: pip install onnx onnxruntime') from error
    model = Scores(load_student(cfg, checkpoint))
    shapes = [_clip_shape(cfg, size) for size in SIZES]
    with replacing(out) as part:
        return _export_sizes(model, shapes, part, tolerance)


def try_onnx(cfg: Config) -> None:
    """Exports a student with random weights and keeps nothing: what has no export is known before it is trained.

    Args:
        cfg: The stock config, see :func:`stock_config`.

    Raises:
        DistillError: See :func:`export_onnx`.
    """
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    model = MODELS.build({'_scope_': scope_of(cfg.model), **copy.deepcopy(cfg.model)})
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of torch's tracer, which are told when it is exported
        torch.save(model.state_dict(), Path(folder, 'student.pth'))
        export_onnx(cfg, Path(folder, 'student.pth'), Path(folder, 'student.onnx'))


def _export_sizes(model: Scores, shapes: list[tuple[int, ...]], out: Path, tolerance: float) -> tuple[float, list[str]]:
    """Exports for any size where shapes differ, else, or where the model takes but one, for the first; compares."""
    shape, other = shapes
    if other == shape:
        return _export_fixed(model, shape, out, tolerance), []
    try:
        difference = _export(model, [(2, *shape), (1, *other)], out, tolerance)
        return difference, ['the size of the input is free: the validation pipeline leaves it to the picture']
    except CheckpointError:
        pass  # one size may do
    choose = 'choose it with a Resize or CenterCrop in val_pipeline'
    try:
        difference = _export_fixed(model, shape, out, tolerance)
    except CheckpointError as error:
        raise CheckpointError(f'{error}; the validation pipeline leaves the size to the picture: {choose}') from error
    fixed = f'the input is fixed to {shape[-2]} x {shape[-1]}'
    return difference, [f'{fixed}: the pipeline leaves the size to the picture, the model takes but one; {choose}']


def _export_fixed(model: Scores, shape: tuple[int, ...], out: str | Path, tolerance: float) -> float:
    """Exports for one size; the batch is free if the model's code allows it, otherwise 1."""
    try:
        return _export(model, [(2, *shape)], out, tolerance)
    except CheckpointError:  # Swin's windows and some pooling know the batch, and then fail or give other scores
        return _export(model, [(1, *shape)], out, tolerance)


def _export(model: Scores, shapes: list[tuple[int, ...]], out: str | Path, tolerance: float) -> float:
    """Exports for inputs of some shapes, what they differ in being free (and the batch, unless it is 1); compares."""
    import onnxruntime

    generator = torch.Generator().manual_seed(0)
    batches = [torch.randn(*shape, generator=generator) for shape in shapes]
    free = {0: 'batch'} if len(batches[0]) > 1 else {}
    if len(shapes) > 1:
        free.update({len(shapes[0]) - 2: 'height', len(shapes[0]) - 1: 'width'})
    axes = dict(input=free, scores={0: 'batch'}) if free else None
    try:
        with torch.no_grad():
            expected = [model(batch) for batch in batches]
        # The TorchScript exporter: the newer one needs onnxscript.
        torch.onnx.export(
            model, (batches[0][:1],), str(out), dynamo=False, opset_version=17, input_names=['input'],
            output_names=['scores'], dynamic_axes=axes,
        )  # fmt: skip
        session = onnxruntime.InferenceSession(str(out), providers=['CPUExecutionProvider'])
        scores = [torch.from_numpy(session.run(None, {'input': batch.numpy()})[0]) for batch in batches]
    except OSError:  # a full disk
        raise
    except Exception as error:  # torch's, a model's own asserts, and onnxruntime's errors have no common base
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        name = type(getattr(model.model, 'backbone', model.model)).__name__
        raise CheckpointError(f'{name} has no ONNX export: {reason}') from error
    differences = [
        float('inf') if a.shape != b.shape else (a - b).abs().max().item()
        for a, b in zip(scores, expected, strict=True)
    ]
    largest = max(score.abs().max().item() for score in expected)
    if not max(differences) <= tolerance * max(1.0, largest):
        raise CheckpointError(
            f'--onnx: onnxruntime differs from PyTorch by {max(differences):.3g}, more than {tolerance:g}'
        )
    return max(differences)


def _clip_shape(cfg: Config, size: tuple[int, int]) -> tuple[int, ...]:
    """Runs the validation pipeline on zeros of a size in place of a file and returns the shape of what it hands on."""
    pipeline = cfg.get('val_pipeline') or cfg.get('test_pipeline') or []
    sampler = next((t for t in pipeline if 'clip_len' in t), None)
    picture = any(t.type.rpartition('.')[2] == 'LoadImageFromFile' for t in pipeline)
    if sampler is None and not picture:
        raise ConfigError(
            '--onnx needs a val_pipeline with LoadImageFromFile, or with a sampler that has a clip_len, to know the '
            "shape of the model's input"
        )
    if picture:
        results = dict(img=np.zeros((*size, 3), np.uint8), img_shape=size, ori_shape=size, gt_label=0)
    else:
        clips = sampler.get('num_clips', 1)
        frames = [np.zeros((*size, 3), np.uint8)] * (sampler.clip_len * clips)
        results = dict(imgs=frames, clip_len=sampler.clip_len, num_clips=clips, label=0, img_shape=size)
        results.update(original_shape=size, modality='RGB')
    readers = ('Init', 'Decode', 'LoadImageFromFile')
    rest = [t for t in pipeline if t is not sampler and not t.type.rpartition('.')[2].endswith(readers)]
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    return tuple(Compose(rest)(results)['inputs'].shape)
