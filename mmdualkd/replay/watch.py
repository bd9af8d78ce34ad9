"""Where in a step the first number arises that is not finite."""

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class FirstFault:
    """The first module whose output is not finite, by hooks on all modules of a model and of its teachers.

    Args:
        model: The model.

    Attributes:
        found: Its name, kind, and whether what it was given was finite; None as long as there is none.
    """

    def __init__(self, model: nn.Module) -> None:
        self.found: str | None = None
        for name, module in named_modules(model):
            module.register_forward_hook(self._look_of(name), with_kwargs=True)

    def _look_of(self, name: str) -> Any:
        def look(module: nn.Module, args: tuple, kwargs: dict, output: Any) -> None:
            if self.found is None and not finite(output):
                given = 'finite' if finite((args, kwargs)) else 'not finite either'
                self.found = f'{name} ({type(module).__name__}); what it was given was {given}'

        return look


def named_modules(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The modules of a model, and of a distiller's teachers, by the name that they have in the config."""
    yield from ((f'model.{name}', module) for name, module in model.named_modules() if name)
    teachers = getattr(model, 'teachers', None)
    for teacher, network in teachers.items() if isinstance(teachers, Mapping) else ():
        if isinstance(network, nn.Module):
            for name, module in network.named_modules():
                yield f'model.teachers.{teacher}{name and "."}{name}', module


def finite(value: Any) -> bool:
    """Whether all tensors in a value are finite numbers; those of whole numbers are."""
    if isinstance(value, Tensor):
        return not value.is_floating_point() or bool(value.isfinite().all())
    if isinstance(value, Mapping):
        return all(map(finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(finite, value))
    return all(map(finite, vars(value).values())) if hasattr(value, '__dataclass_fields__') else True


@contextmanager
def first_fault_of_backward(found: list[str]) -> Iterator[None]:
    """Tells of the first operation whose gradient is NaN, in a backward pass whose forward pass ran inside as well.

    Args:
        found: What is told: the operation, and the line of the forward pass that it belongs to.
    """
    with warnings.catch_warnings(record=True) as warned, torch.autograd.detect_anomaly():
        warnings.simplefilter('always')
        try:
            yield
        except RuntimeError as error:
            if 'returned nan values' not in str(error):
                raise
            traces = [str(one.message) for one in warned if 'Traceback of forward call' in str(one.message)]
            found.append(str(error))
            lines = re.findall(r'File "(.+)", line (\d+), in (\w+)\n +(.+)', traces[0]) if traces else []
            lines = [line for line in lines if '/torch/' not in line[0]] or lines
            if lines:
                found.append('its forward: {}, line {}, in {}: {}'.format(*lines[-1]))
