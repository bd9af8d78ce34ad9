"""Packages that are missing, or whose version does not fit."""

import importlib.metadata
import importlib.util
import re
import sys
from typing import Any

from ..errors import DistillError

OPENCV = ('opencv-python', 'opencv-python-headless', 'opencv-contrib-python', 'opencv-contrib-python-headless')
# import name: (names on the package index, lowest version, first version that is too new, what to install if none is)
NEEDED = {
    'mmengine': (('mmengine',), '0.10.4', '1.0.0', 'mmengine'),
    'torch': (('torch',), '2.6', '3', 'torch'),
    'mmcv': (('mmcv', 'mmcv-lite'), '2.0.0rc4', '2.2.0', 'mmcv-lite'),
    'mmaction': (('mmaction2',), '1.2.0', '1.3.0', 'mmaction2'),
    # the data sets of videos and of pictures lie in one registry, which imports both
    'mmpretrain': (('mmpretrain',), '1.2', '2', 'mmpretrain'),
    'decord': (('decord',), '0.6', None, 'decord'),
    'torchvision': (('torchvision',), None, None, 'torchvision'),
    'cv2': (OPENCV, None, None, OPENCV[0]),
    'scipy': (('scipy',), '1.15', None, 'scipy'),
    **{name: ((name,), None, None, name) for name in ('numpy', 'matplotlib')},
}
MORE = '(`mmdualkd doctor` tells more)'


class StackError(DistillError, RuntimeError):
    """A package that is missing, or whose version does not fit; the message holds the command that mends it."""


def told_in_one_line() -> None:
    """Lets a :class:`StackError` that ends a program be the one line that it prints: no traceback tells more."""
    before = sys.excepthook

    def hook(kind: type, error: BaseException, trace: Any) -> None:
        if issubclass(kind, StackError):
            print(f'{kind.__name__}: {error}', file=sys.stderr)
        else:
            before(kind, error, trace)

    sys.excepthook = hook


def check_versions() -> None:
    """Every needed package is there, in a version that works with the others.

    Raises:
        StackError: With the command that mends it.
    """
    for module, (names, low, high, first_choice) in NEEDED.items():
        found = [(name, version) for name in names if (version := installed_version(name))]
        if importlib.util.find_spec(module) is None:
            raise StackError(f'mmdualkd needs {module} {MORE}; run: pip install "{asked(first_choice, low, high)}"')
        for name, version in found:
            if not in_range(version, low, high):
                wanted = asked(name, low, high)
                raise StackError(
                    f'mmdualkd needs {wanted}, but {version} is installed {MORE}; run: pip install "{wanted}"'
                )


def check_pkg_resources() -> None:
    """MMEngine needs ``pkg_resources`` to find ``mmaction::`` configs; setuptools 81 begins to take it away.

    Raises:
        StackError: With the command that mends it.
    """
    if importlib.util.find_spec('pkg_resources') is None:
        raise StackError('mmengine needs pkg_resources, which new setuptools lack; run: pip install "setuptools<81"')


def asked(name: str, low: str | None, high: str | None) -> str:
    """What to ask pip for: a package of a version from ``low``, below ``high``; None sets no bound."""
    return name + ','.join([f'>={low}'] * (low is not None) + [f'<{high}'] * (high is not None))


def installed_version(name: str) -> str | None:
    """The installed version of a package; None if it is not installed."""
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
