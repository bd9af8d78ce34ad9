"""Packages that are missing, or whose version does not fit."""

import importlib.metadata
import importlib.util
import re

from ..errors import DistillError

# import name: (names on the package index, lowest version, first version that is too new, what to install if none is)
NEEDED = {
    'mmengine': (('mmengine',), '0.10.4', '1.0.0', 'mmengine'),
    'torch': (('torch',), '2.6', '3', 'torch'),
    'mmcv': (('mmcv', 'mmcv-lite'), '2.0.0rc4', '2.2.0', 'mmcv-lite'),
    'mmaction': (('mmaction2',), '1.2.0', '1.3.0', 'mmaction2'),
}


class StackError(DistillError, RuntimeError):
    """A package that is missing, or whose version does not fit; the message holds the command that mends it."""


def check_versions() -> None:
    """Every needed package is there, in a version that works with the others.

    Raises:
        StackError: With the command that mends it.
    """
    for module, (names, low, high, first_choice) in NEEDED.items():
        found = [(name, version) for name in names if (version := _installed_version(name))]
        if not found and importlib.util.find_spec(module) is None:
            raise StackError(f'mmdualkd needs {module}; run: pip install "{first_choice}>={low},<{high}"')
        for name, version in found:
            if not in_range(version, low, high):
                raise StackError(
                    f'mmdualkd needs {name}>={low},<{high}, but {version} is installed; '
                    f'run: pip install "{name}>={low},<{high}"'
                )


def check_pkg_resources() -> None:
    """MMEngine needs ``pkg_resources`` to find ``mmaction::`` configs; setuptools 81 begins to take it away.

    Raises:
        StackError: With the command that mends it.
    """
    if importlib.util.find_spec('pkg_resources') is None:
        raise StackError('mmengine needs pkg_resources, which new setuptools lack; run: pip install "setuptools<81"')


def _installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def in_range(version: str, low: str | None, high: str | None) -> bool:
    """Whether a version is at least ``low`` and below ``high``, by its numbers; None sets no bound."""
    return (low is None or _numbers(low) <= _numbers(version)) and (high is None or _numbers(version) < _numbers(high))


def _numbers(version: str) -> tuple[int, ...]:
    """The first four numbers of a version: ``2.6.0+cpu`` is (2, 6, 0, 0)."""
    start = re.match(r'[\d.]*', version)[0]
    numbers = [int(number) for number in start.split('.') if number]
    return tuple([*numbers, 0, 0, 0, 0][:4])
