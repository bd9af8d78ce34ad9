"""A student as an ONNX file, compared with PyTorch."""

import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from torch import nn

from .errors import CheckpointError, ConfigError
from .export import build_student, load_student
from .files import replacing
from .outputs import Scores

# Two sizes that a file might have (height, width): a pipeline that fixes the size gives the same of both.
SIZES = ((240, 320), (288, 256))
TOLERANCE = 1e-4  # of ONNX scores, see export_onnx


def export_onnx(
    cfg: Config, checkpoint: str | Path, out: str | Path, tolerance: float = TOLERANCE
) -> tuple[float, list[str]]:
    """Exports a student to ONNX and compares the result with onnxruntime's.

    The input is one clip of a validation video (its segments, or a picture) as the model's data preprocessor hands it
    on: normalised, (N, clips, C, T, H, W), (N, segments, C, H, W) or (N, C, H, W). The output is (N * clips, classes),
    before the softmax. N is free unless the model's own code fixes it; then it is 1. H and W are those of the
    validation pipeline; where that leaves them to the picture they are free, unless the model's own code fixes them.

    Args:
        cfg: The stock config, see :func:`~mmdualkd.export.stock_config`.
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
    _check_packages()
    return _export_model(load_student(cfg, checkpoint), cfg, out, tolerance)


def try_onnx(cfg: Config) -> None:
    """Exports a student with random weights and keeps nothing: what has no export is known before it is trained.

    Args:
        cfg: The stock config, see :func:`~mmdualkd.export.stock_config`.

    Raises:
        DistillError: See :func:`export_onnx`.
    """
    _check_packages()
    model = build_student(cfg)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of torch's tracer, which are told when it is exported
        _export_model(model, cfg, Path(folder, 'student.onnx'))


def _check_packages() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise ConfigError(f'--onnx needs onnx and onnxruntime ({error}); run: pip install onnx onnxruntime') from error


def _export_model(
    model: nn.Module, cfg: Config, out: str | Path, tolerance: float = TOLERANCE
) -> tuple[float, list[str]]:
    """The same as :func:`export_onnx`, of a model with its weights."""
    shapes = [_clip_shape(cfg, size) for size in SIZES]
    with replacing(out) as part:
        return _export_sizes(Scores(model), shapes, part, tolerance)


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
