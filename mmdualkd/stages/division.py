"""Dividing a backbone into stem and four stages, and what the families share in doing so."""

import functools
import importlib
import importlib.util
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from ..errors import ConfigError
from .features import Features

# top-level package of a backbone's class -> the file here that knows its families
ROOMS = {'mmpretrain': 'images', 'mmaction': 'videos', 'timm': 'timm_models'}


@dataclass(frozen=True)
class Division:
    """A backbone as four stages, one after the other; it holds the backbone's own modules and no weights of its own.

    Attributes:
        kind: ``'cnn'``, ``'vit'`` or ``'mlp'``.
        stages: Four functions. The first takes what the backbone takes, and includes the stem; the others take
            :class:`Features`. All give :class:`Features`, before the down-sampling between them and the next stage.
        finish: Brings the fourth stage's features into the form that the backbone gives, final norm included.
    """

    kind: str
    stages: tuple[Callable[[Any], Features], ...]
    finish: Callable[[Features], Any]


@functools.singledispatch
def _families(backbone: nn.Module) -> Division:
    raise _unknown(backbone)


def divide(backbone: nn.Module) -> Division:
    """Divides a backbone into stages whose run, one after the other, equals its own forward to the last bit.

    A family of one's own is one function and one registration::

        @divide.register
        def _(backbone: MyNet) -> Division:
            return Division('cnn', clip_stages(backbone.layer1, ...), lambda features: features.grid)

    A subclass is divided as its base is, unless its ``forward`` is another.

    Args:
        backbone: The backbone of a recognizer or classifier, or a model of timm.

    Returns:
        The division; it reads the backbone's settings now and its weights when it runs.

    Raises:
        ConfigError: If the family is not known, has another number of stages, or is set to give other stages than the
            last.
    """
    for name in {cls.__module__.split('.')[0] for cls in type(backbone).__mro__}:
        _open(name)
    family = next((cls for cls in type(backbone).__mro__ if cls in _families.registry), object)
    if family is object or type(backbone).forward is not family.forward:
        raise _unknown(backbone)
    return _families(backbone)


divide.register = _families.register


def _open(package: str) -> None:
    """Imports the file that knows the families of ``package``."""
    if package in ROOMS:
        importlib.import_module(f'.{ROOMS[package]}', __package__)


def _unknown(backbone: nn.Module) -> ConfigError:
    for package in ROOMS:
        if importlib.util.find_spec(package):
            _open(package)
    known = sorted(
        {f'{cls.__module__.split(".")[0]}.{cls.__name__}' for cls in _families.registry} - {'builtins.object'}
    )
    return ConfigError(
        f'{type(backbone).__module__}.{type(backbone).__name__} is not divided into stages, so it cannot take part in '
        f'an assistant or have exits; families that can: {", ".join(known)} (not as models of segments). One of your '
        'own: decorate a function with @mmdualkd.stages.divide.register, see its docstring'
    )


def check_stages(backbone: nn.Module, count: int, given: Iterable[int], last: int | None = None) -> None:
    """Checks that a backbone has four stages and gives its last alone.

    Args:
        backbone: The backbone, named in errors.
        count: How many stages it has.
        given: Numbers of the stages (or blocks) that its forward gives.
        last: Number of its last stage (or block); ``count - 1`` if None.

    Raises:
        ConfigError: If not.
    """
    if count != 4:
        raise ConfigError(f'{type(backbone).__name__} has {count} stages; only one of four can be divided')
    last = count - 1 if last is None else last
    if list(given) != [last]:
        raise ConfigError(
            f'{type(backbone).__name__} is set to give the features numbered {list(given)}; divided it gives '
            f'the last alone, [{last}]'
        )


def stage_ends(depth: int) -> list[int]:
    """After how many blocks the four stages of a model of equal blocks end: 2, 4, 10 and 12 of 12
    (https://arxiv.org/abs/2410.12342), in proportion for other depths.

    Raises:
        ConfigError: If there are fewer than four blocks.
    """
    if depth < 4:
        raise ConfigError(f'a model of {depth} blocks cannot be divided into four stages')
    first = max(1, round(depth / 6))
    second = max(first + 1, round(depth / 3))
    third = min(max(second + 1, round(depth * 5 / 6)), depth - 1)
    return [first, second, third, depth]


def in_turn(functions: Iterable[Callable], x: Any) -> Any:
    """Applies functions one after the other."""
    for function in functions:
        x = function(x)
    return x


def picture_stages(*stages: Sequence[Callable]) -> tuple[Callable, ...]:
    """Four stages from four lists of functions of maps, (N, C, H, W)."""
    return _stages(stages, Features.to_map, Features.from_map)


def clip_stages(*stages: Sequence[Callable]) -> tuple[Callable, ...]:
    """Four stages from four lists of functions of grids, (N, C, T, H, W)."""
    return _stages(stages, lambda features: features.grid, Features)


def token_stages(
    embed: Callable[[Tensor], tuple[Tensor, tuple[int, int, int]]],
    blocks: Iterable[Callable],
    num_extra: int = 0,
    run: Callable[[Iterable[Callable], Tensor], Tensor] = in_turn,
) -> tuple[Callable, ...]:
    """Four stages of a model of equal blocks.

    Args:
        embed: The stem, from inputs to tokens (N, num_extra + T * H * W, C) and (T, H, W).
        blocks: The blocks, from tokens to tokens.
        num_extra: Tokens of no cell, which come first.
        run: Applies blocks to tokens.
    """
    blocks = list(blocks)
    ends = stage_ends(len(blocks))
    parts = [blocks[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def first(inputs: Tensor) -> Features:
        tokens, shape = embed(inputs)
        return Features.from_tokens(run(parts[0], tokens), shape, num_extra)

    def later(part: list[Callable], features: Features) -> Features:
        return Features.from_tokens(run(part, features.to_tokens(num_extra)), features.shape, num_extra)

    return first, *(functools.partial(later, part) for part in parts[1:])


def _stages(stages: Sequence[Sequence[Callable]], read: Callable, write: Callable) -> tuple[Callable, ...]:
    """Functions of features from functions of what ``read`` gives and ``write`` takes."""

    def later(stage: Sequence[Callable], features: Features) -> Features:
        return write(in_turn(stage, read(features)))

    return lambda inputs: write(in_turn(stages[0], inputs)), *(functools.partial(later, stage) for stage in stages[1:])
