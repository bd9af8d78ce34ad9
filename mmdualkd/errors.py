"""Typed errors that name the config key, the value and the nearest right one."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real


class DistillError(Exception):
    """Base of every error that this package raises on purpose.

    Of one in a data loader's worker process torch hands on the traceback as the message; it is its last line again.

    Attributes:
        of_others: Whether it tells in one line what others raised, whose traceback somebody may want to see.
    """

    of_others = False

    def __str__(self) -> str:
        text = super().__str__()
        name = f'{type(self).__module__}.{type(self).__qualname__}: '
        return text.rpartition(name)[2].strip() if text.startswith('Caught ') else text


class ConfigError(DistillError, ValueError):
    """A value in a config that cannot work."""


class CheckpointError(DistillError, RuntimeError):
    """A checkpoint that is missing, unsafe, or of another model."""


class DataError(DistillError, RuntimeError):
    """Annotations or videos that cannot be used."""


class CacheError(DistillError, RuntimeError):
    """A cache of teachers' outputs that is not whole, or not of this training."""


class MemoryShortage(DistillError, RuntimeError):
    """A device or a machine with less memory than was asked for."""


class DivergenceError(DistillError, RuntimeError):
    """A training whose losses or weights are no longer finite."""


def check_name(key: str, name: str, known: Iterable[str], what: str) -> None:
    """Raises a :class:`ConfigError` that names the nearest right one unless ``name`` is among ``known``.

    Args:
        key: The config key, as the user wrote it (``model.terms.rkd.teacher``).
        name: Its value.
        known: The right values.
        what: What the value names (``teacher``).
    """
    known = list(known)
    if name not in known:
        hint = nearest(str(name), known, cutoff=0.0)
        raise ConfigError(f'{key}={name!r} names no {what}{hint} (there are: {", ".join(map(repr, known))})')


def nearest(name: str, known: Iterable[str], cutoff: float = 0.4) -> str:
    """Gives ``; did you mean '<name>'?`` for what a message says of a wrong name, or nothing where none is near.

    Args:
        name: The wrong name.
        known: The right ones; capitals do not keep one from being near.
        cutoff: How alike they must be, from 0 to 1.
    """
    known = list(known)
    near = max(known, key=lambda other: (*_alike(name, other), other), default=None)
    return f'; did you mean {near!r}?' if near is not None and _alike(name, near)[0] >= cutoff else ''


def _alike(name: str, other: str) -> tuple[float, float, bool]:
    """How alike two names are without their capitals, and with them; whether they are of the same letters."""
    lower, exact = (
        difflib.SequenceMatcher(None, two, one).ratio() for one, two in ((name.lower(), other.lower()), (name, other))
    )
    return lower, exact, sorted(name.lower()) == sorted(other.lower())


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first few names, and how many more there are, for what a message says."""
    return ', '.join(names[:most]) + (f' and {len(names) - most} more' if len(names) > most else '')


def check_part_names(key: str, names: Mapping[str, object], reserved: Iterable[str] = (), owner: type = object) -> None:
    """Raises a :class:`ConfigError` unless every name can be that of a part of a model, and of its log entries.

    Args:
        key: The config key of the dict that they name (``model.terms``).
        names: The dict.
        reserved: Names that mean something else there (``student``).
        owner: What holds the parts, whose own attributes no part can be called by.
    """
    from torch import nn  # importing this package does not import torch

    if not isinstance(names, Mapping):
        raise ConfigError(f'{key} must be a dict by name, got {names!r}')
    reserved = list(reserved)
    for name in names:
        if not isinstance(name, str) or not name:
            problem = 'is no name: a string that is not empty'
        elif re.search(r'[./\s]', name):
            problem = "must not contain '.', '/' or white space"
        elif hasattr(nn.ModuleDict(), name):
            problem = "clashes with torch's nn.ModuleDict, which has an attribute of that name"
        elif hasattr(owner, name):
            problem = f'clashes with {owner.__name__}, which has an attribute of that name'
        elif name in reserved:
            problem = f'is reserved (so are: {", ".join(map(repr, reserved))})'
        else:
            continue
        raise ConfigError(f'{key}: {name!r} {problem}; choose another')


def check_number(**values: float) -> None:
    """Raises a :class:`ConfigError` that names the first of the arguments that is no finite number."""
    for key, value in values.items():
        if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
            raise ConfigError(f'{key} must be a finite number, got {value!r}')


def check_positive(**values: float) -> None:
    """Raises a :class:`ConfigError` that names the first of the arguments that is no finite number above 0."""
    check_number(**values)
    for key, value in values.items():
        if value <= 0:
            raise ConfigError(f'{key} must be positive, got {value!r}')


def check_not_negative(**values: float) -> None:
    """Raises a :class:`ConfigError` that names the first of the arguments that is no finite number from 0."""
    check_number(**values)
    for key, value in values.items():
        if value < 0:
            raise ConfigError(f'{key} must not be negative, got {value!r}')


def check_flags(**values: bool) -> None:
    """Raises a :class:`ConfigError` that names the first of the arguments that is neither True nor False."""
    for key, value in values.items():
        if not isinstance(value, bool):
            raise ConfigError(f'{key} must be True or False, got {value!r}')
