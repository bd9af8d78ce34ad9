"""Weights into a model: strictly into a teacher, as far as they fit into a student."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from ..checkpoint import check_tensors, model_state_dict, read_checkpoint, trained_with
from ..errors import CheckpointError, ConfigError, listed
from .download import download


def load_teacher_weights(model: nn.Module, address: str, key: str) -> None:
    """Loads a teacher's weights strictly: every tensor of the model must be there, and no other.

    Args:
        model: The model, already of the right number of classes.
        address: A path or an http(s) address; a download is shown with a progress bar and kept in torch's cache.
        key: The config key that holds the address (``model.teachers.vit.checkpoint``), for errors.

    Raises:
        CheckpointError: If the file is missing, unsafe, or of another model or another number of classes.
    """
    path, checkpoint = read_source(address, key)
    state = model_state_dict(checkpoint)
    load_strictly(model, state, address, key)
    model._source = dict(file=path.name, sha256=digest(state))
    model._loaded = f'all {len(model.state_dict())} tensors from {address}'  # for the plan that the console shows
    model._dataset_meta = dict(classes=class_names(checkpoint))  # as mmpretrain's own loading names it
    model._trained_with = trained_with(checkpoint, path)


def load_strictly(model: nn.Module, state: dict[str, Tensor], address: str, key: str) -> None:
    """The same of tensors that were read before.

    Raises:
        CheckpointError: If they are of another model or another number of classes.
    """
    own = model.state_dict()
    _check_classes(model, own, state, address, key)
    shapes = [f'{name} {tuple(state[name].shape)} for {tuple(own[name].shape)}' for name in _other_shapes(own, state)]
    missing = [name for name in own if name not in state and not name.endswith('num_batches_tracked')]
    unexpected = [name for name in state if name not in own]
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        faults = [
            f'{len(names)} {what} ({listed(names, 3)})'
            for what, names in (('missing', missing), ('unexpected', unexpected), ('of another shape', shapes))
            if names
        ]
        raise CheckpointError(
            f'{key}={address!r} is not of this model: {len(fitting(model, state))} of {len(own)} tensors fit; '
            f'{"; ".join(faults) or error}'
        ) from error
    print_log(f'{key}: {len(own)}/{len(own)} tensors loaded from {address}', logger='current')


def fitting(model: nn.Module, state: dict[str, Tensor]) -> list[str]:
    """Names of the tensors that fit a model by name and shape."""
    own = model.state_dict()
    return [name for name, value in state.items() if name in own and value.shape == own[name].shape]


def fit_outside_head(model: nn.Module, names: Iterable[str]) -> bool:
    """Whether any of the tensors that fit is not of the head, whose bias fits all models of as many classes."""
    head = f'{classes_of(model)[0]}.'
    return any(not name.startswith(head) for name in names)


def load_student_weights(model: nn.Module, address: str, key: str) -> tuple[int, int]:
    """Loads what fits of a checkpoint into a student that is then fine-tuned; the rest (the head) stays as it is.

    Args:
        model: The student, initialised.
        address: A path or an http(s) address.
        key: The config key that holds the address (``model.student.checkpoint``), for errors.

    Returns:
        The number of tensors loaded and the number that the model has.

    Raises:
        CheckpointError: If the file is missing or unsafe, or none of its tensors fits outside the head.
    """
    path, checkpoint = read_source(address, key)
    state, own = model_state_dict(checkpoint), model.state_dict()
    skipped = _other_shapes(own, state)
    fits = {name: state[name] for name in fitting(model, state)}
    if not fit_outside_head(model, fits):
        raise CheckpointError(
            f'{key}={address!r}: none of its {len(state)} tensors fits the model outside its head '
            f'(it has {", ".join(list(state)[:2])}, ...; the model has {", ".join(list(own)[:2])}, ...)'
        )
    model.load_state_dict(fits, strict=False)
    model._trained_with = trained_with(checkpoint, path)
    model._loaded = f'{len(fits)} of {len(own)} tensors from {address}'
    lines = [f'{key}: {len(fits)}/{len(own)} tensors loaded from {address}']
    lines += [f'  {name}: {tuple(state[name].shape)} in the file, {tuple(own[name].shape)} here' for name in skipped]
    lines += [f'  {name}: not in the file' for name in own if name not in state and 'num_batches_tracked' not in name]
    lines += [f'  {name}: not in the model' for name in state if name not in own]
    print_log('\n'.join(lines), logger='current')
    return len(fits), len(own)


def read_source(address: str, key: str) -> tuple[Path, dict[str, Any]]:
    """Reads the checkpoint behind a path or an address.

    Args:
        address: A path, or an http(s) address to download.
        key: The config key that holds it, for errors.

    Returns:
        The file, and what it holds, tensors among it.

    Raises:
        ConfigError: If it is neither a path nor an address.
        CheckpointError: If it cannot be read, or holds no tensors.
    """
    if not isinstance(address, str | os.PathLike):
        raise ConfigError(f'{key}={address!r} is neither a path nor an address')
    where = f'{key}={str(address)!r}'
    if urlparse(str(address)).scheme not in ('http', 'https'):
        checkpoint = read_checkpoint(address, key)
        check_tensors(checkpoint, where)
        return Path(address).expanduser(), checkpoint
    path = download(address, key)
    try:
        checkpoint = read_checkpoint(path, where)
        check_tensors(checkpoint, where)
    except CheckpointError:
        path.unlink(missing_ok=True)  # what is no checkpoint must not stay in the cache
        raise
    return path, checkpoint


def digest(state: dict[str, Tensor]) -> str:
    """The SHA-256 by which weights are known again, wherever their file lies."""
    sha = hashlib.sha256()
    for name in sorted(state):
        sha.update(name.encode())
        sha.update(state[name].detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return sha.hexdigest()


def class_names(checkpoint: dict[str, Any]) -> list[str]:
    """The names of the classes that a checkpoint's data set had, if it says so; those of MMClassification 0.x too."""
    meta = checkpoint.get('meta') if isinstance(checkpoint.get('meta'), dict) else {}
    data = meta.get('dataset_meta') if isinstance(meta.get('dataset_meta'), dict) else {}
    names = data.get('classes') or meta.get('CLASSES')
    return list(map(str, names)) if isinstance(names, list | tuple) else []


def _other_shapes(own: dict[str, Tensor], state: dict[str, Tensor]) -> list[str]:
    """Names of the tensors that both have, in different shapes."""
    return [name for name, value in state.items() if name in own and value.shape != own[name].shape]


def classes_of(model: nn.Module) -> tuple[str, int | None]:
    """The start of the names of a model's head in its state dict, and its number of classes (None if it says none)."""
    name = next((name for name in ('cls_head', 'head') if getattr(model, name, None) is not None), '')
    head = getattr(model, name) if name else getattr(model, 'model', None)  # TimmClassifier holds timm's whole model
    return name, getattr(head, 'num_classes', None)


def _check_classes(model: nn.Module, own: dict, state: dict, address: str, key: str) -> None:
    """Raises an error that names both class counts if that is where a checkpoint's head differs from the model's."""
    name, classes = classes_of(model)
    for other in _other_shapes(own, state):
        ours, theirs = own[other].shape, state[other].shape
        if other.startswith(name) and ours[0] == classes and ours[1:] == theirs[1:]:
            raise CheckpointError(
                f'{key}={address!r} has {theirs[0]} classes, the model has {classes}: give a checkpoint that was '
                f'fine-tuned on these {classes} classes, or a model of {theirs[0]} classes'
            )
