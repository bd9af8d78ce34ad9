"""Typed errors that name the config key, the value and the nearest right one."""

import difflib
from collections.abc import Iterable


class DistillError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(DistillError, ValueError):
    """A value in a config that cannot work."""


class CheckpointError(DistillError, RuntimeError):
    """A checkpoint that is missing, unsafe, or of another model."""


class DataError(DistillError, RuntimeError):
    """Annotations or videos that cannot be used."""


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
        near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.0)
        hint = f'; did you mean {near[0]!r}?' if near else ''
        raise ConfigError(f'{key}={name!r} names no {what}{hint} (there are: {", ".join(map(repr, known))})')


def check_positive(**values: float) -> None:
    """Raises a :class:`ConfigError` that names the first of the arguments that is not above 0."""
    for key, value in values.items():
        if not value > 0:
            raise ConfigError(f'{key} must be positive, got {value!r}')


def check_not_negative(**values: float) -> None:
    """Raises a :class:`ConfigError` that names the first of the arguments that is below 0."""
    for key, value in values.items():
        if not value >= 0:
            raise ConfigError(f'{key} must not be negative, got {value!r}')
