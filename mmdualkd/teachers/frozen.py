"""Teachers that are frozen by construction."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ..outputs import Outputs, run_model
from ..stages import Features, StagedModel
from .compiled import Compiled, plainly


class FrozenTeachers(Mapping):
    """Models by name that only ever run forward, in eval mode, outside autograd.

    It is no ``nn.Module``, so a distiller that holds it shows none of the teachers' tensors in ``parameters()``,
    ``state_dict()``, an optimizer, DDP's buckets or ``train()``. A deep copy (as EMA makes) shares the teachers and
    leaves them where they are: they follow the distiller that was built with them, and no copy of it.

    Args:
        models: The teachers by name, with their weights.
        compiled: The names of those whose forward runs through ``torch.compile``, from the first training step on.
    """

    def __init__(self, models: Mapping[str, nn.Module], compiled: Collection[str] = ()) -> None:
        self._models = dict(models)
        self._staged: dict[str, StagedModel] = {}
        self._compiled = {name: Compiled(name) for name in compiled}
        self._follow = True
        for model in self._models.values():
            model.requires_grad_(False).eval()

    def __getitem__(self, name: str) -> nn.Module:
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def __deepcopy__(self, memo: dict) -> 'FrozenTeachers':
        shared = FrozenTeachers(self._models, self._compiled)
        shared._follow = False
        return shared

    def apply_to_tensors(self, function: Callable[..., Any], recurse: bool = True) -> None:
        """Lets the teachers follow the distiller's ``.to()``, ``.cuda()`` and ``.float()``; not those of its copies."""
        if self._follow:
            for model in self._models.values():
                model._apply(function, recurse)

    @torch.no_grad()
    def run(self, name: str, inputs: Tensor, plain: bool = False) -> Outputs:
        """Runs one teacher on inputs in its own layout; ``plain`` leaves the compiler out."""
        call = self._call(name, plain)
        return replace(call(run_model, self._models[name], inputs), network=self._models[name])

    @torch.no_grad()
    def run_staged(self, name: str, inputs: Tensor) -> tuple[Outputs, Features]:
        """The same, with what its third stage gives, in one run."""
        outputs, stages = self._call(name)(StagedModel.run, self.staged(name), inputs)
        return replace(outputs, network=self._models[name]), stages[2]

    def _call(self, name: str, plain: bool = False) -> Callable[..., Any]:
        return plainly if plain else self._compiled.get(name, plainly)

    def staged(self, name: str) -> StagedModel:
        """Gives one teacher divided into stages; it is divided once."""
        if name not in self._staged:
            self._staged[name] = StagedModel(self._models[name])
        return self._staged[name]
