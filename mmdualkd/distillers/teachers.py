"""A distiller's teachers from its config."""

from collections.abc import Mapping

from ..seeds import seeded_by_name
from ..teachers.frozen import FrozenTeachers
from ..zoo.resolve import build_teacher


def frozen_teachers(specs: Mapping[str, dict], num_classes: int | None) -> FrozenTeachers:
    """Builds the teachers of a distiller and loads their weights.

    Args:
        specs: Their entries in the config, by name.
        num_classes: Classes of each head; None leaves the configs' own.
    """
    models = {}
    for name, spec in specs.items():
        with seeded_by_name(f'teachers.{name}'):
            models[name] = build_teacher(spec, name, num_classes)
    return FrozenTeachers(models, compiled=[name for name, spec in specs.items() if spec.get('compile')])
