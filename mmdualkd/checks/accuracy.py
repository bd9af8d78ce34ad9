"""How good models are on data that is decoded once, and what they cost."""

import copy
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmaction.evaluation import top_k_accuracy
from mmengine.analysis import FlopAnalyzer, parameter_count
from mmengine.analysis.jit_handles import get_shape
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import MODELS
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..bar import progress
from ..dataset_configs import plain_configs
from ..datasets.robust import source_of
from ..datasets.wrappers import plain_datasets
from ..errors import ConfigError, DataError
from ..hooks.corrupt_video import report_failed
from ..hooks.labels import check_labels
from ..hooks.preflight import hand_views
from ..launch import check_distillation
from ..outputs import Scores
from ..zoo.weights import load_teacher_weights


def build_models(cfg: Config, checkpoint: str | None) -> tuple[nn.Module, dict[str, nn.Module]]:
    """Builds the distiller; gives it and its models by name, the student first, in eval mode.

    Args:
        cfg: The config of a distillation.
        checkpoint: Weights of the student in place of its initial ones.
    """
    check_distillation(cfg)
    distiller = MODELS.build({**copy.deepcopy(cfg.model), 'teacher_cache': None})  # the networks themselves
    distiller.init_weights()
    if checkpoint is not None:
        load_teacher_weights(distiller.student, checkpoint, '--checkpoint')
    distiller = distiller.to(get_device()).eval()
    return distiller, {'student': distiller.student, **distiller.teachers}


def build_loader(cfg: Config, distiller: nn.Module) -> DataLoader:
    """The validation data, through the pipeline that gives every model its view.

    Raises:
        ConfigError: If a sample may have several labels, or the config has no such data or pipeline.
    """
    if distiller.multi_label:
        raise ConfigError('accuracies ask for one label a sample, and the student may have several')
    for name in ('val_dataloader',) if distiller.of_pictures else ('val_dataloader', 'teacher_val_pipeline'):
        if cfg.get(name) is None:
            raise ConfigError(f'the config has no {name}; tools/check_teachers.py needs it')
    loader = copy.deepcopy(cfg.val_dataloader)
    if cfg.get('teacher_val_pipeline') is not None:
        loader.dataset = with_pipeline(loader.dataset, cfg.teacher_val_pipeline)
    loader = Runner.build_dataloader(loader)
    for dataset in plain_datasets(loader.dataset):
        check_labels(dataset, 'val', f'val_dataloader.dataset ({source_of(dataset)})', distiller)
        if not distiller.of_pictures:
            hand_views(dataset, distiller.plan, 'teacher_val_pipeline')
    return loader


def with_pipeline(dataset: dict, pipeline: list) -> dict:
    """A data set's config, in its wrappers, with another pipeline."""
    for _, part in plain_configs(dataset):
        part['pipeline'] = copy.deepcopy(pipeline)
    return dataset


@torch.no_grad()
def predict(
    distiller: nn.Module, models: Mapping[str, nn.Module], loader: DataLoader
) -> tuple[list[int], dict[str, Tensor]]:
    """Runs models over data in one pass, each on its own view.

    Args:
        distiller: The distiller that holds the models and makes their views, in eval mode.
        models: Some of its models by name.
        loader: Gives what all views need of each sample.

    Returns:
        The labels, and each model's probabilities (samples, classes).

    Raises:
        DataError: If there are no data, or a model's scores are no finite numbers.
    """
    scores: dict[str, list[Tensor]] = {name: [] for name in models}
    labels: list[int] = []
    for clips, batch_labels in batches(distiller, loader):
        labels += batch_labels
        for name, model in models.items():
            logits = Scores(model)(distiller.views[name](clips))
            # (N * clips, classes) -> (N, classes): the mean probability of a video's clips
            scores[name].append(logits.softmax(dim=-1).unflatten(0, (len(batch_labels), -1)).mean(dim=1).cpu())
    if not labels:
        raise DataError('the validation data is empty')
    return labels, {name: finite(torch.cat(rows), name) for name, rows in scores.items()}


def finite(scores: Tensor, name: str) -> Tensor:
    """Gives a model's scores (samples, classes) back, unless some are no finite numbers: they would name a class.

    Raises:
        DataError: If so.
    """
    if wrong := int((~scores.isfinite()).any(dim=1).sum()):
        raise DataError(
            f'{name} gives NaN or infinite scores for {wrong} of {len(scores)} samples: its weights, or the type that '
            'it runs in, do not suit these data'
        )
    return scores


def measure(distiller: nn.Module, models: Mapping[str, nn.Module], loader: DataLoader) -> dict[str, tuple]:
    """Top-1 and top-5 accuracy of every model in percent, see :func:`predict`."""
    labels, scores = predict(distiller, models, loader)
    topk = (1, min(5, next(iter(scores.values())).size(1)))
    return {name: tuple(100 * k for k in top_k_accuracy(rows.numpy(), labels, topk)) for name, rows in scores.items()}


def batches(distiller: nn.Module, loader: DataLoader) -> Iterator[tuple[Tensor, list[int]]]:
    """The shared clips (N, 1, 3, T, H, W) and labels of each batch, T = 1 for pictures; shows the time that is left.

    A warning tells of samples that did not decode: they are blanks under their own labels.
    """
    with progress(len(loader.dataset), 'running models') as done:
        for data in loader:
            data = distiller.data_preprocessor.cast_data(data)
            labels = [int(sample.gt_label) for sample in data['data_samples']]
            clips = torch.stack(list(data['inputs']))
            clips = clips[:, None, :, None] if distiller.of_pictures else clips
            distiller.plan.check_clip(clips, 'the pipeline (teacher_val_pipeline, where there is one)')
            yield clips, labels
            done(len(labels))
    report_failed(loader.dataset, 'running models', max_fraction=1)


@torch.no_grad()
def cost(distiller: nn.Module, name: str, model: nn.Module) -> tuple[int, float]:
    """Parameters, and GFLOPs for one clip of the model's view (a multiply-add counts once)."""
    side = max(max(spec.size) if isinstance(spec.size, tuple) else spec.size for spec in distiller.plan.specs.values())
    clip = torch.zeros(1, 1, 3, distiller.plan.num_frames, side, side, dtype=torch.uint8, device=get_device())
    scores = Scores(model)
    counter = FlopAnalyzer(scores, (distiller.views[name](clip),))
    counter.set_op_handle('aten::scaled_dot_product_attention', attention_products)
    counter.unsupported_ops_warnings(False).uncalled_modules_warnings(
        False
    )  # norms and activations cost next to nothing
    return parameter_count(scores)[''], counter.total() / 1e9


def attention_products(inputs: list[Any], outputs: list[Any]) -> int:
    """Multiply-adds of torch's fused attention, which MMEngine leaves out: queries by keys, and shares by values."""
    query, key, value = map(get_shape, inputs[:3])
    return math.prod(query[:-1]) * key[-2] * (query[-1] + value[-1])
