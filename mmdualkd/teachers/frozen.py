"""Teachers that are frozen by construction."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..outputs import Outputs, run_model
from ..stages import Features, StagedModel


class FrozenTeachers(Mapping):
    """Models by name that only ever run forward, in eval mode, outside autograd.

    It is no ``nn.Module``, so a distiller that holds it shows none of the teachers' tensors in ``parameters()``,
    ``state_dict()``, an optimizer, DDP's buckets or ``train()``; a deep copy (as EMA makes) shares the teachers.

    Args:
        models: The teachers by name, with their weights.
    """

    def __init__(self, models: Mapping[str, nn.Module]) -> None:
        self._models = dict(models)
        for model in self._models.values():
            model.requires_grad_(False).eval()

    def __getitem__(self, name: str) -> nn.Module:
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def __deepcopy__(self, memo: dict) -> 'FrozenTeachers':
        return self

    def apply_to_tensors(self, function: Callable[..., Any], recurse: bool = True) -> None:
        """Lets the teachers follow the distiller's ``.to()``, ``.cuda()`` and ``.float()``."""
        for model in self._models.values():
            model._apply(function, recurse)

    @torch.no_grad()
    def run(self, name: str, inputs: Tensor) -> Outputs:
        """Runs one teacher on inputs in its own layout."""
        return run_model(self._models[name], inputs)

    @torch.no_grad()
    def run_staged(self, name: str, inputs: Tensor) -> tuple[Outputs, Features]:
        """The same, with what its third stage gives, in one run."""
        return StagedModel(self._models[name]).run(inputs)
