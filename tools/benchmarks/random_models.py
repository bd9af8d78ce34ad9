"""Distillers whose models all have random weights, batches for them, and their steps: no checkpoint is read."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import mmdualkd  # noqa: F401  (first: it mends the stack)

# isort: split
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS
from torch import Tensor, nn

from mmdualkd.checks.random_weights import with_random_teachers

LR = 0.01
ONLINE = 'distillation step'


def with_random_weights(cfg: dict, folder: str | Path) -> dict:
    """Writes random weights for a distiller's teachers to a folder; gives the config that names them."""
    cfg = with_random_teachers(cfg, folder, cfg.teachers)
    cfg.student.checkpoint = None
    return cfg


def build_random(cfg: dict, device: str) -> nn.Module:
    """Builds a distiller whose models all have random weights, in training mode."""
    with tempfile.TemporaryDirectory() as folder:
        return MODELS.build(with_random_weights(cfg, folder)).to(device).train()


def plain_kd(cfg: dict) -> dict:
    """The same student and teachers with KD alone."""
    kept = {key: value for key, value in cfg.items() if key not in ('type', 'terms', 'assistant')}
    kd = dict(type='FusedKD', weighting=dict(type='Uniform'))
    return Config(dict(type='mmdualkd.Distiller', terms=dict(kd=kd), **kept))._cfg_dict


def random_batch(model: nn.Module, count: int, device: str) -> dict:
    """Random uint8 clips or pictures on the device, and labels."""
    size = max(max(spec.size) if isinstance(spec.size, tuple) else spec.size for spec in model.plan.specs.values())
    shape = (count, 1, 3, model.decoded.num_frames, size, size)
    clips = torch.randint(0, 256, shape, dtype=torch.uint8, device=device)
    if model.of_pictures:
        from mmpretrain.structures import DataSample as Sample
    else:
        from mmaction.structures import ActionDataSample as Sample
    return dict(inputs=clips, data_samples=[Sample().set_gt_label(0).to(device) for _ in range(count)])


def step_of(model: nn.Module, data: dict) -> Callable[[], Tensor]:
    """Forward and backward of a model on ready inputs."""

    def step() -> Tensor:
        model.zero_grad()
        loss = model.parse_losses(model(**data, mode='loss'))[0]
        loss.backward()
        return loss.detach()

    return step


def training_step(model: nn.Module, data: dict) -> Callable[[], Tensor]:
    """A step as MMEngine's loop runs it: from a loader's batch to the optimizer's step."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = OptimWrapper(torch.optim.SGD(weights, lr=LR))
    return lambda: model.train_step(dict(data), optimizer)['loss']


def parts_of_a_step(model: nn.Module, data: dict) -> dict[str, Callable[[], object]]:
    """The whole step, and what it consists of."""
    views = {name: view(data['inputs']) for name, view in model.views.items()}
    parts = {
        ONLINE: step_of(model, data),
        'student step': step_of(model.student, {**data, 'inputs': views['student']}),
    }
    for name in model.teachers:
        parts[f'teacher {name}'] = lambda name=name: model.teachers.run(name, views[name])
    return parts
