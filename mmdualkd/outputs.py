"""What a model gives for a batch of clips, whatever its family.

This is the one place that knows how MMAction2's recognizers and MMPretrain's classifiers hand on their features. It
goes by the shapes and types that come out, so that a model of one's own works as soon as its features look like one of
these.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from .errors import ConfigError
from .grids import WHOLE, pool_grid, score_cells


@dataclass
class Outputs:
    """Outputs of one model for N clips.

    Attributes:
        logits: Scores before the softmax, (N, classes).
        pooled: One feature vector a clip, (N, C).
        grid: The features that the head pools, (N, C, T, H, W). A family without a grid gives (N, C, 1, 1, 1).
        extras: Losses that the model's own neck adds in training (``loss_aux`` of TPN), by name.
        window: The time that the grid covers, start and end as fractions of what all models' clips span together; None
            for segments, which lie all over the video.
        network: The teacher that gave them, for :meth:`class_maps`.
    """

    logits: Tensor
    pooled: Tensor
    grid: Tensor
    extras: dict[str, Tensor] = field(default_factory=dict)
    window: tuple[float, float] | None = (0.0, 1.0)
    network: nn.Module | None = None

    def cells(self, size: Sequence[int], window: tuple[float, float] = WHOLE) -> Tensor:
        """The grid averaged over a coarser one's cells, (N, C, ``*size``), see :func:`~mmdualkd.grids.pool_grid`."""
        return pool_grid(self.grid, size, window)

    def class_maps(self, size: Sequence[int], window: tuple[float, float] = WHOLE) -> Tensor:
        """What a teacher's own head says of each of these cells, (N, classes, ``*size``), outside autograd."""
        return score_cells(self.network, self.cells(size, window))

    def finite(self) -> Tensor:
        """Whether all of them are finite numbers, a boolean scalar on their device."""
        return torch.stack([value.isfinite().all() for value in (self.logits, self.pooled, self.grid)]).all()


def in_float32(outputs: Outputs) -> Outputs:
    """The same outputs in float32, whatever autocast made of them (mmaction2's accuracies cannot read bfloat16)."""
    return _each(outputs, Tensor.float)


def in_order(outputs: Outputs) -> Outputs:
    """The same outputs laid out in the order of their axes, as a cache gives them, so that products round alike."""
    return _each(outputs, Tensor.contiguous)


def align_rows(outputs: Outputs, rows: int) -> Outputs:
    """Fits a teacher's outputs to the student's rows where one takes several clips a sample and the other segments.

    Fewer rows are repeated for each clip of a sample; more are averaged over the clips of a sample.
    """
    have = len(outputs.logits)
    if have == rows:
        return outputs
    if have < rows:
        return _each(outputs, lambda value: value.repeat_interleave(rows // have, dim=0))
    return _each(outputs, lambda value: value.unflatten(0, (rows, -1)).mean(dim=1))


def _each(outputs: Outputs, change: Callable[[Tensor], Tensor]) -> Outputs:
    """The same outputs with a change of logits, pooled features and grid."""
    return replace(outputs, **{name: change(getattr(outputs, name)) for name in ('logits', 'pooled', 'grid')})


def run_model(model: nn.Module, inputs: Tensor, data_samples: list | None = None) -> Outputs:
    """Runs a model once and gathers its outputs; autograd and the model's mode are left as they are.

    The path is that of ``BaseRecognizer.loss``: features after the neck, then the head's scores, so logits, gradients
    and running statistics are those of plain training.

    Args:
        model: A recognizer of MMAction2 (2D or 3D), or an image classifier of MMPretrain.
        inputs: Normalised clips in the model's own layout: (N, clips, C, T, H, W) for 3D recognizers, (N, segments,
            C, H, W) for 2D recognizers, (N, C, H, W) for classifiers, also those of timm in MMPretrain's wrapper.
        data_samples: Labels for necks that add a loss of their own in training; without them there is none.

    Returns:
        The outputs. N counts clips, sample by sample: K clips a sample of a 3D recognizer give N * K rows.

    Raises:
        ConfigError: If the model has no head that gives (N, classes), or its features are of an unknown form.
    """
    if hasattr(model, 'cls_head'):
        feats, kwargs = model.extract_feat(inputs, stage='neck', data_samples=data_samples)
        return _gather(model, feats, model.cls_head(feats, **kwargs), kwargs.get('loss_aux', {}))
    if _is_timm(model):
        return head_outputs(model, model.extract_feat(inputs))
    if hasattr(model, 'head') and hasattr(model, 'extract_feat'):
        return head_outputs(model, model.extract_feat(inputs, stage='backbone'))
    raise ConfigError(
        f'{type(model).__name__} is neither a recognizer of MMAction2 with a cls_head nor a classifier of '
        'MMPretrain with a head: it gives no class scores to distil'
    )


def head_outputs(model: nn.Module, feats: object, data_samples: list | None = None) -> Outputs:
    """Runs neck and head on what a model's backbone gave; the rest of :func:`run_model`, for whom ran the backbone.

    Args:
        model: A 3D recognizer of MMAction2, or a classifier of MMPretrain.
        feats: What ``model.backbone`` (``model.model.forward_features`` in the wrapper of timm) gives for N rows.
        data_samples: See :func:`run_model`.

    Returns:
        The outputs, N rows.

    Raises:
        ConfigError: See :func:`run_model`.
    """
    if hasattr(model, 'cls_head'):
        feats, extras = model.neck(feats, data_samples=data_samples) if model.with_neck else (feats, {})
        return _gather(model, feats, model.cls_head(feats, loss_aux=extras), extras)
    if _is_timm(model):
        return _gather(model, feats, model.model.forward_head(feats), {})
    if not model.with_neck:
        return _gather(model, feats, model.head(feats), {})
    necked = model.neck(feats)
    outputs = _gather(model, feats, model.head(necked), {})
    last = necked[-1] if isinstance(necked, tuple | list) else necked
    if isinstance(last, Tensor) and last.shape == outputs.pooled.shape:  # not all necks average (GeM)
        outputs.pooled = last
    return outputs


def _is_timm(model: nn.Module) -> bool:
    """Whether a model is MMPretrain's wrapper of a model of timm."""
    return hasattr(getattr(model, 'model', None), 'forward_head')


def _gather(model: nn.Module, feats: object, logits: object, extras: dict[str, Tensor]) -> Outputs:
    """The outputs of a model, from the features that its head reads (or its neck, for classifiers) and its scores."""
    logits = _checked_logits(model, logits)
    grid, token = _grid_and_token(model, feats, rows=logits.shape[0])
    pooled = grid.mean(dim=(2, 3, 4)) if token is None else token
    return Outputs(logits=logits, pooled=pooled, grid=grid, extras=dict(extras))


class Scores(nn.Module):
    """A model as one function from normalised inputs to logits (N, classes), in eval mode, for FLOPs and export.

    Args:
        model: See :func:`run_model`.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.eval()

    def forward(self, inputs: Tensor) -> Tensor:
        return run_model(self.model, inputs).logits


def _checked_logits(model: nn.Module, logits: object) -> Tensor:
    """Returns the head's output if it is (N, classes), or raises an error that names the head."""
    if isinstance(logits, Tensor) and logits.ndim == 2:
        return logits
    head = getattr(model, 'cls_head', None) or getattr(model, 'head', model)
    got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    raise ConfigError(
        f'{type(head).__name__} gives {got}, not class scores of shape (N, classes): it cannot be distilled'
    )


def _grid_and_token(model: nn.Module, feats: object, rows: int) -> tuple[Tensor, Tensor | None]:
    """Brings features of any family to one grid.

    Args:
        model: The model, named in errors.
        feats: What its head reads: a tensor, a tuple over stages, a tuple of SlowFast's two paths, or a tuple whose
            last entry is ``[grid, class token]`` (MViT) or two tokens (DeiT's, whose mean counts as its features).
        rows: N, the number of rows of the logits.

    Returns:
        The grid (N, C, T, H, W), and the class token (N, C) where the head reads that in place of the pooled grid.
    """
    if isinstance(feats, tuple | list) and len(feats) == 2 and _are_two_paths(*feats):
        slow, fast = feats
        # (N, C_fast, T_fast, H, W) -> (N, C_fast, T_slow, H, W), then in the order that SlowFastHead reads.
        return torch.cat((pool_grid(fast, slow.shape[2:]), slow), dim=1), None
    token = None
    while isinstance(feats, tuple | list) and feats:
        if len(feats) == 2 and isinstance(feats[0], Tensor) and _is_token(*feats):
            feats, token = feats
        else:
            feats = feats[-1]
            if isinstance(feats, tuple | list) and _are_tokens(*feats):
                feats = torch.stack(tuple(feats)).mean(0)
    if isinstance(feats, Tensor):
        if _is_timm(model):
            feats, token = _from_timm(model.model, feats)
        if feats.ndim == 3 and feats.shape[1] == getattr(getattr(model, 'backbone', None), 'embed_dims', None):
            feats = _cells_to_map(feats, getattr(model.backbone, 'patch_resolution', ()))
        if feats.ndim == 2:  # a family without a grid: (N, C) or, segment by segment, (N * S, C)
            feats = feats[:, :, None, None]
        if feats.ndim == 4 and feats.shape[0] % rows == 0:  # (N * S, C, H, W) -> (N, C, S, H, W)
            feats = feats.reshape(rows, -1, *feats.shape[1:]).transpose(1, 2)
        if feats.ndim == 5 and feats.shape[0] == rows:
            return feats, token
    got = tuple(feats.shape) if isinstance(feats, Tensor) else type(feats).__name__
    raise ConfigError(
        f'features of {type(model).__name__} with {type(getattr(model, "backbone", model)).__name__} have the form '
        f'{got} for {rows} rows of scores; known are (N, C, T, H, W), (N * segments, C, H, W), (N, C), '
        '[grid, class token] and (N, C, cells) of a backbone whose embed_dims is C'
    )


def _are_two_paths(slow: object, fast: object) -> bool:
    """Whether two features are SlowFast's: grids of one height and width, the second with at least as many frames."""
    grids = isinstance(slow, Tensor) and isinstance(fast, Tensor) and slow.ndim == fast.ndim == 5
    return grids and slow.shape[3:] == fast.shape[3:] and slow.shape[2] <= fast.shape[2]


def _is_token(grid: Tensor, token: object) -> bool:
    """Whether ``token`` is the class token of ``grid``."""
    return isinstance(token, Tensor) and grid.ndim > 2 and token.ndim == 2 and token.shape == grid.shape[:2]


def _are_tokens(*feats: object) -> bool:
    """Whether features are two tokens, (N, C) each: DeiT's class and distillation token."""
    return len(feats) == 2 and all(isinstance(f, Tensor) and f.ndim == 2 and f.shape == feats[0].shape for f in feats)


def _from_timm(net: nn.Module, feats: Tensor) -> tuple[Tensor, Tensor | None]:
    """Maps (N, C, H, W) of a timm model's features, and the class token (N, C) if that is what its head reads."""
    if feats.ndim == 4 and feats.shape[1] != net.num_features == feats.shape[3]:  # (N, H, W, C)
        return feats.permute(0, 3, 1, 2), None
    if feats.ndim != 3:
        return feats, None
    prefix = getattr(net, 'num_prefix_tokens', 0)
    token = feats[:, 0] if prefix and getattr(net, 'global_pool', '') == 'token' else None
    embed = getattr(net, 'stem', None) or getattr(net, 'patch_embed', None)
    return _cells_to_map(feats[:, prefix:].transpose(1, 2), getattr(embed, 'grid_size', ())), token


def _cells_to_map(cells: Tensor, sides: Sequence[int]) -> Tensor:
    """(N, C, cells) to (N, C, H, W) if H * W are the cells, else to (N, C, 1, cells)."""
    height, width = sides if len(sides) == 2 and math.prod(sides) == cells.shape[2] else (1, cells.shape[2])
    return cells.unflatten(2, (height, width))
