"""Random weights in place of checkpoints that are not there."""

import copy
from collections.abc import Collection
from pathlib import Path

from ..checkpoint import write_checkpoint
from ..errors import check_name
from ..zoo.resolve import build_model


def with_random_teachers(cfg: dict, folder: str | Path, names: Collection[str]) -> dict:
    """Writes random weights for some of a distiller's teachers to a folder; gives the config that names them.

    Args:
        cfg: The distiller's config.
        folder: The folder.
        names: The teachers.

    Raises:
        ConfigError: If a name is no teacher's, or a teacher cannot be built.
        CheckpointError: If the folder has no room.
    """
    cfg = copy.deepcopy(cfg)
    for name in names:
        check_name('a teacher', name, cfg.teachers, 'teacher of the config')
        spec = cfg.teachers[name]
        spec.checkpoint = None
        teacher, _ = build_model(spec, f'model.teachers.{name}', cfg.get('num_classes'))
        spec.checkpoint = str(Path(folder) / f'{name}.pth')
        write_checkpoint(teacher.state_dict(), spec.checkpoint)
    return cfg
