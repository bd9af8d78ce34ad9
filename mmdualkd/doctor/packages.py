"""Versions of packages, by their metadata alone."""

import importlib.util
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from ..compat.versions import NEEDED, asked, in_range, installed_version
from ..findings import Finding

LEAST = (3, 10)


@dataclass(frozen=True)
class Package:
    """A package that this one stands on.

    Attributes:
        tested: The version that is tested; None for one that is not.
        module: Its import name.
        low: The lowest version that works; None for any.
        high: The first version that is too new; None for none.
        use: What it is for, where it may be missing; empty where it is needed.
        names: Its names on the package index, the one to install first.
    """

    tested: str | None
    module: str
    low: str | None = None
    high: str | None = None
    use: str = ''
    names: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        """What to ask pip for."""
        return asked(self.names[0], self.low, self.high)


def _needed(module: str, tested: str) -> Package:
    names, low, high, first = NEEDED[module]
    return Package(tested, module, low, high, names=(first, *(name for name in names if name != first)))


def _one(name: str, tested: str | None, module: str | None = None, *bounds: str | None, use: str = '') -> Package:
    return Package(tested, module or name, *bounds, use=use, names=(name,))


PACKAGES = (
    _needed('torch', '2.13.0'),
    _needed('torchvision', '0.28.0'),
    _needed('mmengine', '0.10.7'),
    _needed('mmcv', '2.1.0'),
    _needed('mmaction', '1.2.0'),
    _needed('mmpretrain', '1.2.0'),
    _needed('decord', '0.6.0'),
    _needed('cv2', '5.0.0.93'),
    _needed('numpy', '2.4.6'),
    _needed('scipy', '1.17.1'),
    _needed('matplotlib', '3.11.2'),
    _one('setuptools', '80.10.2', 'pkg_resources', None, '81'),
    _one('einops', '0.8.2', use='some models of the zoo'),
    _one('timm', '1.0.31', use="timm's models, and some of MMPretrain's"),
    _one('onnx', '1.23.2', use='export --onnx'),
    _one('onnxruntime', '1.31.1', use='export --onnx'),
    _one('tensorboard', '2.21.0', use='train --tensorboard'),
    _one('argcomplete', '3.7.2', None, '3', use='tab completion'),
    _one('torchcodec', None, use='TorchCodecInit, in place of DecordInit'),
)


def python() -> Iterator[Finding]:
    """Says which Python runs."""
    text = f'{platform.python_version()} ({sys.executable}) on {platform.system()} {platform.machine()}'
    if sys.version_info < LEAST:
        yield Finding('error', 'python', f'{text}; mmdualkd needs {".".join(map(str, LEAST))} or later')
    else:
        yield Finding('fine', 'python', text)


def packages() -> Iterator[Finding]:
    """Says which packages are there, and whether their versions fit."""
    for package in PACKAGES:
        found = {name: version for name in package.names if (version := installed_version(name))}
        if not found and importlib.util.find_spec(package.module) is None:
            text = f'is not installed; run: pip install "{package.asked}"'
            if package.use:
                yield Finding('fine', package.names[0], f'{text} (for {package.use})')
            else:
                yield Finding('error', package.names[0], text)
        elif not found:
            yield Finding('warning', package.names[0], 'can be imported, but no metadata tells its version')
        elif 'mmcv' in found and 'mmcv-lite' in found:
            text = f'mmcv {found["mmcv"]} and mmcv-lite {found["mmcv-lite"]} overwrite each other; run: pip uninstall'
            yield Finding('error', 'mmcv', f'{text} mmcv mmcv-lite, then install one of them')
        else:
            name, version = next(iter(found.items()))
            yield _judged(package, name, version)


def _judged(package: Package, name: str, version: str) -> Finding:
    known = (
        'the version that is tested' if version.partition('+')[0] == package.tested else f'tested is {package.tested}'
    )
    if not in_range(version, package.low, package.high):
        text = f'{version} does not fit; run: pip install "{package.asked}"'
        return Finding('warning' if package.use else 'error', name, text)
    return Finding('fine', name, f'{version}, {known}' if package.tested else version)
