"""A teacher's forward through ``torch.compile``."""

from collections.abc import Callable
from typing import Any

import torch

from ..errors import ConfigError


def plainly(function: Callable[..., Any], *args: Any) -> Any:
    """Calls a function."""
    return function(*args)


class Compiled:
    """Calls a function through ``torch.compile``, which takes its time at the first call and at one of another shape.

    No module is wrapped or changed: names of tensors stay as they are.

    Args:
        name: The teacher's name, for errors.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.call = torch.compile(plainly)

    def __call__(self, function: Callable[..., Any], *args: Any) -> Any:
        """Calls a function.

        Raises:
            ConfigError: If torch cannot compile it, or finds no compiler.
        """
        from torch._dynamo.exc import TorchDynamoException  # heavy, and asked for by who compiles alone

        try:
            return self.call(function, *args)
        except TorchDynamoException as error:
            raise ConfigError(
                f'model.teachers.{self.name}.compile=True, but torch cannot compile this teacher here: '
                f'{str(error).strip().splitlines()[0]}; leave `compile` out'
            ) from error
