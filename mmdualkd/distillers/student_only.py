"""A student that is only tested."""

from ..zoo.pretrained import without_pretrained
from ..zoo.resolve import resolve_model


def alone(student: dict, num_classes: int | None) -> dict:
    """A student's entry whose model loads and downloads nothing.

    Args:
        student: ``config``, ``model`` and ``checkpoint``, as for a distiller.
        num_classes: Classes of its head; None leaves those of the config.
    """
    if not isinstance(student, dict):
        return student
    spec = {name: value for name, value in student.items() if name != 'checkpoint'}
    model, _ = resolve_model(spec, 'model.student', num_classes)
    return dict(config=without_pretrained(model))
