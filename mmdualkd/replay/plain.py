"""Batches and configs as plain values and tensors, which torch loads as weights, without running anything."""

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from ..errors import CheckpointError

ELEMENT = 'element'  # the key of a data sample's class
PACKAGES = ('mmaction', 'mmpretrain', 'mmengine')  # whose data samples are built again


def plain(value: Any) -> Any:
    """A value as dicts, lists, tensors, numbers and strings; what is none of these becomes a string.

    Args:
        value: A batch as a data loader gives it, data samples in it, or a config.
    """
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist()) if value.dtype.kind not in 'biuf' or not value.ndim else torch.as_tensor(value)
    if isinstance(value, BaseDataElement):
        kind = type(value)
        fields, meta = ({key: plain(part) for key, part in items} for items in (value.items(), value.metainfo_items()))
        return {ELEMENT: f'{kind.__module__}.{kind.__qualname__}', 'fields': fields, 'meta': meta}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        parts = [plain(part) for part in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, type):
        return f'{value.__module__}.{value.__qualname__}'
    return str(value)


def unplain(value: Any) -> Any:
    """A batch as it was before :func:`plain`.

    Raises:
        CheckpointError: If it holds what is no data sample.
    """
    if isinstance(value, dict) and ELEMENT in value:
        module, _, name = value[ELEMENT].rpartition('.')
        kind = None
        if module.partition('.')[0] in PACKAGES:
            kind = getattr(importlib.import_module(module), name, None)
        if not (isinstance(kind, type) and issubclass(kind, BaseDataElement)):
            raise CheckpointError(f'{value[ELEMENT]!r} is no data sample of {", ".join(PACKAGES)}')
        return kind(metainfo=value['meta'], **value['fields'])
    if isinstance(value, dict):
        return {key: unplain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        parts = [unplain(part) for part in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    return value
