"""From a name in the model zoo, a config file or an inline dict to a model config and its weights."""

import copy
import hashlib
import os
import re
import urllib.error
from pathlib import Path
from urllib.parse import urlparse

import torch
from mmengine.config import Config, ConfigDict
from mmengine.dist import barrier, get_rank
from mmengine.logging import print_log
from torch import Tensor, nn

from ..checkpoint import model_state_dict, read_checkpoint
from ..errors import CheckpointError, ConfigError
from .names import find_model
from .pretrained import scope_of, without_augments, without_pretrained

ZOO = 'zoo'


def resolve_model(spec: dict, key: str, num_classes: int | None = None) -> tuple[ConfigDict, str | None]:
    """Resolves a student's or a teacher's entry in a config.

    Args:
        spec: ``config``: a zoo name (``'mmaction::recognition/x3d/....py'``), a name of ``mmpretrain.get_model``
            (``'resnet18_8xb32_in1k'``), the path of a config file, or a model dict. ``model`` (optional): overrides
            merged into it. ``checkpoint`` (optional): ``'zoo'``, a path, or an http(s) address.
        key: Where the entry stands (``model.teachers.vit``), for errors.
        num_classes: Put in place of every ``num_classes`` of the model; None leaves them alone.

    Returns:
        The complete model config, and the path or address of its weights or None. With weights, whatever in the config
        would load others (ImageNet initialisation) is taken out: building such a model downloads nothing. An image
        classifier's own batch augmentations are taken out as well: the distiller blends the picture that all share.

    Raises:
        ConfigError: If the entry has unknown keys, or names no config, or 'zoo' has no weights for it.
    """
    if not isinstance(spec, dict) or 'config' not in spec:
        raise ConfigError(f'{key} must be a dict with a `config` (a zoo name, a path or a model dict), got {spec!r}')
    unknown = set(spec) - {'config', 'model', 'checkpoint'}
    if unknown:
        raise ConfigError(f'{key} has unknown keys {sorted(unknown)}; known are config, model, checkpoint')
    config, zoo_address = spec['config'], None
    if isinstance(config, dict):
        model = copy.deepcopy(config)
    else:
        path, zoo_address = find_model(config, f'{key}.config')
        model = _model_of_file(path, f'{key}.config')
    if not isinstance(spec.get('model') or {}, dict):
        raise ConfigError(f'{key}.model must be a dict of overrides, got {spec["model"]!r}')
    whole = Config(dict(model=model))
    try:
        whole.merge_from_dict(dict(model=copy.deepcopy(spec.get('model') or {})))
    except (TypeError, KeyError) as error:
        raise ConfigError(f'{key}.model does not fit the model of {key}.config: {error}') from error
    model = whole.model
    scope = scope_of(model)
    if scope != 'mmaction':
        model.setdefault('_scope_', scope)
    model, augments = without_augments(model)
    if augments:
        print_log(
            f'{key}: {augments} of its own config left out; model.blending blends for all models', logger='current'
        )
    if num_classes is not None:
        _set_num_classes(model, num_classes)
    checkpoint = spec.get('checkpoint')
    if checkpoint is None:
        return model, None
    if not isinstance(checkpoint, str | Path) or not str(checkpoint):
        raise ConfigError(f"{key}.checkpoint must be 'zoo', a path or an http(s) address, got {checkpoint!r}")
    if checkpoint == ZOO:
        if isinstance(config, dict):
            raise ConfigError(
                f"{key}.checkpoint='zoo' needs the name of a zoo config in {key}.config, not a model dict"
            )
        if zoo_address is None:
            raise ConfigError(
                f"{key}.checkpoint='zoo': the zoo's metafile lists no weights for {str(config)!r}; "
                'give a path or an http(s) address'
            )
        checkpoint = zoo_address
    return without_pretrained(model), str(checkpoint)


def _model_of_file(path: Path, key: str) -> ConfigDict:
    """Reads a config file and returns its model, data preprocessor included."""
    try:
        cfg = Config.fromfile(path)
    except Exception as error:
        raise ConfigError(f'{key}: {str(path)!r} cannot be read: {type(error).__name__}: {error}') from error
    if not isinstance(cfg.get('model'), dict):
        raise ConfigError(f'{key}: {str(path)!r} has no `model`')
    model = cfg.model
    if 'data_preprocessor' in cfg:  # MMPretrain's configs hold it beside the model
        model.setdefault('data_preprocessor', cfg.data_preprocessor)
    if cfg.get('default_scope', 'mmaction') != 'mmaction':
        model.setdefault('_scope_', cfg.default_scope)
    return model


def _set_num_classes(cfg: dict | list, num_classes: int, top: bool = True) -> None:
    """Puts a class count everywhere in a model config where one stands: head, auxiliary head, blending."""
    if isinstance(cfg, dict):
        if top:
            for head in (cfg.get('cls_head'), cfg.get('head')):
                if isinstance(head, dict):
                    head['num_classes'] = num_classes
            if str(cfg.get('type')).endswith('TimmClassifier'):  # timm's models have 1000 classes unless told
                cfg['num_classes'] = num_classes
        if 'num_classes' in cfg:
            cfg['num_classes'] = num_classes
        if isinstance(cfg.get('aux_head_cfg'), dict):  # TPN's neck
            cfg['aux_head_cfg']['out_channels'] = num_classes
    for value in cfg.values() if isinstance(cfg, dict) else cfg:
        if isinstance(value, dict | list | tuple):
            _set_num_classes(value, num_classes, top=False)


def load_teacher_weights(model: nn.Module, address: str, key: str) -> None:
    """Loads a teacher's weights strictly: every tensor of the model must be there, and no other.

    Args:
        model: The model, already of the right number of classes.
        address: A path or an http(s) address; a download is shown with a progress bar and kept in torch's cache.
        key: The config key that holds the address (``model.teachers.vit.checkpoint``), for errors.

    Raises:
        CheckpointError: If the file is missing, unsafe, or of another model or another number of classes.
    """
    state = _read_state(address, key)
    own = model.state_dict()
    _check_classes(model, own, state, address, key)
    shapes = [f'{name} {tuple(state[name].shape)} for {tuple(own[name].shape)}' for name in _other_shapes(own, state)]
    missing = [name for name in own if name not in state and not name.endswith('num_batches_tracked')]
    unexpected = [name for name in state if name not in own]
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        faults = [
            f'{len(names)} {what} ({", ".join(names[:3])}{", ..." if len(names) > 3 else ""})'
            for what, names in (('missing', missing), ('unexpected', unexpected), ('of another shape', shapes))
            if names
        ]
        raise CheckpointError(
            f'{key}={address!r} is not of this model: tensors {"; ".join(faults) or error}'
        ) from error
    print_log(f'{key}: {len(own)}/{len(own)} tensors loaded from {address}', logger='current')


def load_student_weights(model: nn.Module, address: str, key: str) -> tuple[int, int]:
    """Loads what fits of a checkpoint into a student that is then fine-tuned; the rest (the head) stays as it is.

    Args:
        model: The student, initialised.
        address: A path or an http(s) address.
        key: The config key that holds the address (``model.student.checkpoint``), for errors.

    Returns:
        The number of tensors loaded and the number that the model has.

    Raises:
        CheckpointError: If the file is missing or unsafe, or none of its tensors fits.
    """
    state = _read_state(address, key)
    own = model.state_dict()
    skipped = _other_shapes(own, state)
    fitting = {name: value for name, value in state.items() if name in own and name not in skipped}
    if not fitting:
        raise CheckpointError(
            f'{key}={address!r}: none of its {len(state)} tensors fits the model '
            f'(it has {", ".join(list(state)[:2])}, ...; the model has {", ".join(list(own)[:2])}, ...)'
        )
    model.load_state_dict(fitting, strict=False)
    lines = [f'{key}: {len(fitting)}/{len(own)} tensors loaded from {address}']
    lines += [f'  {name}: {tuple(state[name].shape)} in the file, {tuple(own[name].shape)} here' for name in skipped]
    lines += [f'  {name}: not in the file' for name in own if name not in state and 'num_batches_tracked' not in name]
    lines += [f'  {name}: not in the model' for name in state if name not in own]
    print_log('\n'.join(lines), logger='current')
    return len(fitting), len(own)


def _read_state(address: str, key: str) -> dict[str, Tensor]:
    """Reads the tensors behind a path or an address."""
    if urlparse(address).scheme not in ('http', 'https'):
        state = model_state_dict(read_checkpoint(address, key))
    else:
        path = download(address, key)
        try:
            state = model_state_dict(read_checkpoint(path, f'{key}={address!r}'))
        except CheckpointError:
            path.unlink(missing_ok=True)  # a download that was cut off must not stay in the cache
            raise
    if not state:
        raise CheckpointError(f'{key}={address!r} holds no tensors')
    return state


def download(address: str, key: str) -> Path:
    """Downloads a file with a progress bar, once: it stays in ``checkpoints`` of torch's cache (``TORCH_HOME``).

    In a distributed job the first process of each machine downloads while the others wait.

    Args:
        address: The http(s) address.
        key: The config key that holds it, for errors.

    Returns:
        The file in the cache. Its name is that of the address; a name without OpenMMLab's hash of the content, which
        another address may share, gets a hash of the address.

    Raises:
        CheckpointError: If the address cannot be read.
    """
    name = Path(urlparse(address).path)
    stem = name.stem
    if not re.search(r'[-_][0-9a-f]{8,}$', stem):
        stem = f'{stem}-{hashlib.sha256(address.encode()).hexdigest()[:8]}'
    path = Path(torch.hub.get_dir()) / 'checkpoints' / f'{stem}{name.suffix}'
    first = int(os.environ.get('LOCAL_RANK', get_rank())) == 0
    try:
        if first:
            _fetch(address, path, key)
    finally:
        barrier()
    if not first:
        _fetch(address, path, key)
    return path


def _fetch(address: str, path: Path, key: str) -> None:
    """Downloads a file unless it is there."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    print_log(f'{key}: downloading {address} to {path}', logger='current')
    try:
        torch.hub.download_url_to_file(address, str(path), progress=True)
    except (urllib.error.URLError, OSError) as error:
        raise CheckpointError(f'{key}={address!r} cannot be downloaded: {error}') from error


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
