"""Every model of a distiller run once on zeros, to know shapes and to find misfits before training."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import nn

from ..errors import ConfigError
from ..names import STUDENT
from ..outputs import Outputs, run_model
from ..stages import Features, StagedModel
from ..views import ClipViews


def run_on_zeros(
    distiller: nn.Module, staged: Mapping[str, StagedModel]
) -> tuple[dict[str, Outputs], dict[str, tuple[Features, ...]]]:
    """Runs the student and the teachers that are built on a clip of zeros.

    Args:
        distiller: The distiller.
        staged: Its models that run stage by stage, by name.

    Returns:
        All models' outputs by name, and what the stages of these gave.

    Raises:
        ConfigError: If a model does not take its view.
    """
    height, width = (max(side) for side in zip(*(spec.sides for spec in distiller.plan.specs.values()), strict=True))
    clip = torch.zeros(1, 1, 3, distiller.decoded.num_frames, height, width, dtype=torch.uint8)
    views = ClipViews(distiller.views, distiller.alike, clip)
    outputs, stages = {}, {}
    for name in distiller.views:
        inputs = distiller.view_of(name, views)
        try:
            if name in staged:
                given, stages[name] = staged[name].run(inputs)
                outputs[name] = given if name == STUDENT else replace(given, network=staged[name].model)
            elif name == STUDENT:
                outputs[name] = run_model(distiller.student, inputs)
            else:
                outputs[name] = distiller.teachers.run(name, inputs, plain=True)
        except (RuntimeError, AssertionError, IndexError, ValueError) as error:
            where = 'model.student' if name == STUDENT else f'model.teachers.{name}'
            shape = tuple(inputs.shape)
            raise ConfigError(f'{where} does not take model.views.{name}, {shape}: {error}') from error
    return outputs, stages


def check_same_classes(teachers: Mapping[str, Outputs], classes: int) -> None:
    """Refuses teachers of another number of classes than the student's, and teachers of one class."""
    if teachers and classes < 2:
        raise ConfigError(
            'model.student has one class: softmax gives it 1 whatever the scores are, so that no term on scores has '
            'anything to learn; a question of yes and no has two classes'
        )
    for name, teacher in teachers.items():
        if teacher.logits.size(1) != classes:
            raise ConfigError(
                f'model.teachers.{name} has {teacher.logits.size(1)} classes, model.student has {classes}: '
                'distillation needs the same; set model.num_classes, and a teacher fine-tuned on this data set'
            )
