"""How two descriptions of a job differ, setting by setting."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SHOWN = 5


def flat(key: str, value: Any, empty: bool = False) -> dict[str, Any]:
    """Plain values by their full keys; of files the names alone, for folders move.

    Args:
        key: What the value is called (``model.terms``).
        value: A setting of a config, to any depth.
        empty: Tells of None and of empty dicts too. A setting of None is another than none at all where its default is
            something else (``act_cfg``).
    """
    if hasattr(value, 'tolist'):  # arrays and tensors
        value = value.tolist()
    if isinstance(value, list | tuple):
        value = dict(enumerate(value)) if value else '[]'
    if empty and (value is None or value == {}):
        return {key: str(value)}
    if isinstance(value, Mapping):
        names = [name for name in value if name not in ('_delete_', '_scope_')]
        inside = [flat(f'{key}.{name}', value[name], empty) for name in names]
        return {name: part for parts in inside for name, part in parts.items()}
    if key.endswith('.type') or callable(value):
        return {key: getattr(value, '__name__', str(value)).rpartition('.')[2]}
    if isinstance(value, str | os.PathLike):
        return {key: Path(value).name}
    return {} if value is None else {key: value if isinstance(value, bool | int | float) else str(value)}


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Names what differs between flat settings, the first five in full."""
    faults = [
        f'{name} {repr(there[name]) if name in there else "not set"} there, '
        f'{repr(here[name]) if name in here else "not set"} here'
        for name in {**there, **here}
        if there.get(name) != here.get(name) and not (there.get(name) != there.get(name) and name in here)  # nan
    ]
    return [*faults[:SHOWN], f'{len(faults) - SHOWN} settings more'] if len(faults) > SHOWN else faults
