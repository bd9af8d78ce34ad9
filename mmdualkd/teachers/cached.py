"""Teachers whose outputs are read from a cache: no network of theirs is built."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..outputs import Outputs
from .readings import Reading, StoredOutputs


@dataclass(frozen=True)
class CachedTeacher:
    """What is known of a teacher that is not built.

    Attributes:
        shapes: Of its ``logits``, ``pooled`` and ``grid`` for one sample, rows first.
        window: As of :class:`~mmdualkd.outputs.Outputs`.
        _source: File and SHA-256 of its weights, as of one that is built.
        _settings: Those of its network by full keys, likewise.
        _dataset_meta: Its classes, likewise.
    """

    shapes: Mapping[str, list[int]]
    window: tuple[float, float] | None
    _source: Mapping[str, str]
    _settings: Mapping[str, Any]
    _dataset_meta: Mapping[str, Any]


class CachedTeachers(Mapping):
    """In the place of :class:`~mmdualkd.teachers.frozen.FrozenTeachers`.

    Args:
        teachers: The teachers by name.
    """

    def __init__(self, teachers: Mapping[str, CachedTeacher]) -> None:
        self._teachers = dict(teachers)

    def __getitem__(self, name: str) -> CachedTeacher:
        return self._teachers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._teachers)

    def __len__(self) -> int:
        return len(self._teachers)

    def __deepcopy__(self, memo: dict) -> 'CachedTeachers':
        return self

    def dry_outputs(self) -> dict[str, Outputs]:
        """Outputs of the right shapes for one sample, all zeros, that take no memory."""
        return {
            name: ZeroOutputs(
                **{what: torch.zeros(()).expand(shape) for what, shape in teacher.shapes.items()}, window=teacher.window
            )
            for name, teacher in self._teachers.items()
        }

    def stored_outputs(self, values: Mapping[Reading, Tensor]) -> dict[str, StoredOutputs]:
        """What was stored of each teacher's outputs, as terms read it."""
        return {name: StoredOutputs(name, teacher.window, values) for name, teacher in self._teachers.items()}


class ZeroOutputs(Outputs):
    """Outputs without a network."""

    def class_maps(self, size: tuple[int, int, int], window: tuple[float, float] = (0.0, 1.0)) -> Tensor:
        return self.logits[:, :, None, None, None].expand(*self.logits.shape, *size)
