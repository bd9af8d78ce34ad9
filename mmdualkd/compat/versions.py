"""Packages that are missing, or whose version does not fit."""

import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util

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
            if not _digits(low) <= _digits(version) < _digits(high):
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


def _digits(version: str) -> tuple[int, ...]:
    from mmengine.utils import digit_version

    return digit_version(version)
