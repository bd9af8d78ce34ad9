"""What the shell completes: config files, configs of the zoos, models by short names, and methods."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any


def complete_config(prefix: str, **_: Any) -> Iterable[str]:
    """Configs that begin so: files and folders, or after ``package::`` those of an installed zoo."""
    from .zoo.names import ZOOS, zoo_folder  # the doctor builds these command lines, too, and works without YAML

    package, colons, start = prefix.rpartition('::')
    if not colons:
        return [*_below(Path(), prefix), *(f'{zoo}::' for zoo in ZOOS if zoo.startswith(prefix))]
    root = zoo_folder(package)
    return [f'{package}::{path}' for path in _below(root, start)] if root is not None else []


def complete_model(prefix: str, **_: Any) -> Iterable[str]:
    """Models that begin so: short names, else configs."""
    from .zoo.catalogue import short_names

    names = [name for name in short_names() if name.startswith(prefix)]
    return names or complete_config(prefix)


def complete_method(prefix: str, **_: Any) -> Iterable[str]:
    """Methods of ``mmdualkd distill`` that begin so."""
    from .workflow.methods import method_names

    return [name for name in method_names() if name.startswith(prefix)]


def _below(root: Path, start: str) -> list[str]:
    """Python files, and folders with a ``/`` behind them, whose path from a folder begins with ``start``."""
    folder, slash, name = start.rpartition('/')
    place = root / Path(folder + slash).expanduser()
    entries = sorted(place.iterdir()) if place.is_dir() else []
    shown = [entry for entry in entries if entry.name.startswith(name) and (name or entry.name[0] not in '._')]
    return [
        f'{folder}{slash}{entry.name}{"/" * entry.is_dir()}'
        for entry in shown
        if entry.is_dir() or entry.suffix == '.py'
    ]
