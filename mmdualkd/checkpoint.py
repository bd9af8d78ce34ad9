"""The student out of a checkpoint of a distiller; checkpoints read safely, and found with their configs."""

import io
import logging
import pickle
import re
import zipfile
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any

import mmengine.optim  # noqa: F401, it declares safe what its schedules leave in a checkpoint
import torch
from mmengine.config import Config
from mmengine.logging import print_log
from torch import Tensor

from .errors import CheckpointError, nearest
from .files import replacing

STUDENT_PREFIX = 'student.'


def read_checkpoint(path: str | Path, key: str) -> dict[str, Any]:
    """Reads a checkpoint on the CPU, never running code that it might hold.

    Args:
        path: The file.
        key: The config key or the argument that names it, for errors.

    Returns:
        What was saved: a checkpoint of MMEngine (``state_dict``, ``meta``, ...) or a bare state dict.

    Raises:
        CheckpointError: If the file is missing, is no checkpoint, or holds more than tensors and plain values.
    """
    if '://' in str(path):
        raise CheckpointError(f'{key}: {str(path)!r} is no file, and of addresses only http(s) ones are downloaded')
    path = Path(path).expanduser()
    begin = _begin(path, key)
    try:
        checkpoint = torch.load(path, map_location='cpu', weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, LookupError, ValueError, AttributeError, OSError) as error:
        unsafe = re.search(r'(?:GLOBAL|class|global) ([\w.]+\.[\w.]+)', str(error))
        if 'nsupported' in str(error) and unsafe:
            raise CheckpointError(
                f'{key}: {str(path)!r} holds {unsafe[1]} beside its weights. Reading that could run code from the '
                'file, so only tensors and plain values are read; let its owner save the state_dict alone'
            ) from error
        if begin == b'PK':
            reason = 'it is damaged, or another kind of zip file' if zipfile.is_zipfile(path) else 'it is cut short'
        elif begin[:1] != b'\x80':  # how every pickle begins
            reason = 'it is another kind of file'
        elif isinstance(error, RuntimeError | pickle.UnpicklingError):
            reason = str(error).strip().partition('\n')[0].partition('. ')[0]
        else:
            reason = 'it is cut short or damaged'
        raise CheckpointError(
            f'{key}: {str(path)!r} is not a checkpoint that torch can read as weights: {reason}'
        ) from error
    if not isinstance(checkpoint, dict):
        raise CheckpointError(f'{key}: {str(path)!r} holds a {type(checkpoint).__name__}, not a dict of tensors')
    return checkpoint


def _begin(path: Path, key: str) -> bytes:
    """The first two bytes of a file that is there and not empty."""
    try:
        with path.open('rb') as file:
            begin = file.read(2)
    except (FileNotFoundError, NotADirectoryError) as error:
        near = nearest(path.name, [file.name for file in path.parent.glob('*.pth')], cutoff=0.7)
        raise CheckpointError(f'{key}: there is no file {str(path)!r}{near}') from error
    except IsADirectoryError as error:
        raise CheckpointError(f'{key}: {str(path)!r} is a folder; name a file in it') from error
    except OSError as error:
        raise CheckpointError(f'{key}: {str(path)!r} cannot be read: {error.strerror or error}') from error
    if not begin:
        raise CheckpointError(f'{key}: {str(path)!r} is empty (0 bytes)')
    return begin


def model_state_dict(checkpoint: dict[str, Any]) -> 'OrderedDict[str, Tensor]':
    """Takes a model's tensors out of a checkpoint.

    Args:
        checkpoint: A checkpoint with ``state_dict``, or a bare state dict; keys may begin with ``module.``. Of a
            distiller's checkpoint the student is taken.

    Returns:
        Tensors by the names of the model's own ``state_dict``; empty if there are none.
    """
    state = tensors_of(checkpoint.get('state_dict', checkpoint))
    if state and all(name.startswith('module.') for name in state):
        state = {name.removeprefix('module.'): value for name, value in state.items()}
    return student_state_dict(state)


def check_tensors(checkpoint: dict[str, Any], where: str) -> None:
    """Refuses a checkpoint in which :func:`model_state_dict` finds no tensors.

    Args:
        checkpoint: What was read.
        where: What it is called, for errors.

    Raises:
        CheckpointError: Names the keys that it has, and which of them looks like a state dict.
    """
    if model_state_dict(checkpoint):
        return
    keys = ', '.join(map(repr, list(checkpoint)[:8])) or 'none'
    inside = checkpoint.get('state_dict')
    found = f"its 'state_dict' is a {type(inside).__name__} without any" if inside is not None else f'its keys: {keys}'
    like = [key for key, value in checkpoint.items() if key not in ('state_dict', 'optimizer') and tensors_of(value)]
    hint = f'; {like[0]!r} looks like a state dict: save that alone' if like else ''
    raise CheckpointError(f'{where} holds no tensors of a model ({found}){hint}')


def tensors_of(value: Any) -> dict[str, Tensor]:
    """The tensors of a state dict by name; none of what is no dict."""
    if not isinstance(value, dict):
        return {}
    return {name: tensor for name, tensor in value.items() if isinstance(name, str) and isinstance(tensor, Tensor)}


def student_state_dict(state_dict: dict[str, Tensor]) -> 'OrderedDict[str, Tensor]':
    """Takes the student out of a distiller's state dict.

    Args:
        state_dict: Tensors by name. Without any ``student.`` name it is already a plain model's and is handed on.

    Returns:
        The student's tensors under the names that plain MMAction2 or MMPretrain knows. TPN's ``cls_head.new_cls``, the
        copy of ``fc_cls`` that its first fully convolutional test makes, is left out: a model builds it anew.
    """
    if any(name.startswith(STUDENT_PREFIX) for name in state_dict):
        state_dict = {
            name.removeprefix(STUDENT_PREFIX): value
            for name, value in state_dict.items()
            if name.startswith(STUDENT_PREFIX)
        }
    return OrderedDict((name, value) for name, value in state_dict.items() if not name.startswith('cls_head.new_cls.'))


def student_checkpoint(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Makes a plain checkpoint of MMAction2 or MMPretrain of what training saves.

    Args:
        checkpoint: A training checkpoint, of a distiller or of a plain model. With MMEngine's EMAHook its
            ``state_dict`` holds the averaged weights, and so does the student's.

    Returns:
        ``state_dict``, and a ``meta`` with epoch, iteration and what the data set says about its classes; no
        optimizer, no log, no config.
    """
    meta = checkpoint.get('meta') or {}
    meta = {name: meta[name] for name in ('epoch', 'iter', 'mmengine_version', 'dataset_meta') if name in meta}
    return dict(meta=meta, state_dict=model_state_dict(checkpoint))


def trained_with(checkpoint: dict[str, Any], path: str | Path) -> str | None:
    """The text of the config that a checkpoint was trained with; None if it has none.

    Args:
        checkpoint: What was read.
        path: Its file. Of a ``student_*.pth``, which holds no config, the checkpoint beside it is asked.
    """
    meta, path = checkpoint.get('meta'), Path(path).expanduser()
    text, beside = meta.get('cfg') if isinstance(meta, dict) else None, _beside(path)
    if text is None and beside != path and beside.is_file():
        with suppress(CheckpointError):
            return trained_with(read_checkpoint(beside, 'checkpoint'), beside)
    return text


def _beside(path: Path) -> Path:
    """The checkpoint of a training that a ``student_*.pth`` was written beside; another one itself."""
    return path.with_name(path.name.removeprefix('student_')) if path.name else path


def save_student(training_checkpoint: str | Path, out: str | Path) -> None:
    """Writes the student of a training checkpoint, whole or not at all; see :func:`student_checkpoint`.

    Args:
        training_checkpoint: The file of a checkpoint that training saved.
        out: The file to write.

    Raises:
        CheckpointError: If the checkpoint cannot be read or holds no tensors, or the file cannot be written.
    """
    checkpoint = read_checkpoint(training_checkpoint, 'training checkpoint')
    check_tensors(checkpoint, f'training checkpoint: {str(training_checkpoint)!r}')
    write_checkpoint(student_checkpoint(checkpoint), out)


def write_checkpoint(checkpoint: dict[str, Any], out: str | Path) -> None:
    """Writes a checkpoint, whole or not at all.

    Raises:
        CheckpointError: If it cannot be written.
    """
    out = Path(out)
    buffer = io.BytesIO()  # torch hides what the system says about a full disk
    torch.save(checkpoint, buffer)
    with replacing(out) as part:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(buffer.getbuffer())


def find_checkpoint(path: str | Path) -> Path:
    """Finds the checkpoint that a user means.

    Args:
        path: A checkpoint, or the work directory of a training.

    Returns:
        The checkpoint; of a work directory the newest ``best_*.pth``, else the last one. It tells which it takes where
        ``save_best`` had several metrics.

    Raises:
        CheckpointError: If there is none.
    """
    path = Path(path)
    if path.is_file():
        return path
    if not path.is_dir():
        raise CheckpointError(f'there is no checkpoint or work directory {str(path)!r}')
    best = sorted(path.glob('best_*.pth'), key=lambda file: file.stat().st_mtime)
    if len({re.sub(r'_(epoch|iter)_\d+$', '', file.stem) for file in best}) > 1:
        names = ', '.join(file.name for file in best)
        message = f'{path} has best checkpoints of several metrics, {names}: {best[-1].name} is the newest, and taken'
        print_log(message, logger='current', level=logging.WARNING)
    if best:
        return best[-1]
    name = last_checkpoint(path)
    last = path / Path(name).name if name else None
    if last is None or not last.is_file():
        raise CheckpointError(f'{str(path)!r} holds neither best_*.pth nor the file that its last_checkpoint names')
    return last


def last_checkpoint(work_dir: str | Path) -> str | None:
    """What the ``last_checkpoint`` of a work directory names; None where there is none.

    Raises:
        CheckpointError: If it names nothing.
    """
    record = Path(work_dir) / 'last_checkpoint'
    try:
        name, reason = record.read_text().strip(), 'it is empty'
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        name, reason = '', 'it is no text'
    except OSError as error:
        name, reason = '', error.strerror or str(error)
    if not name:
        raise CheckpointError(f'{str(record)!r} names no checkpoint: {reason}')
    return name


def training_config(checkpoint: Path) -> Config:
    """Finds the config that a checkpoint was trained with: in the checkpoint, or dumped beside it.

    Args:
        checkpoint: A training checkpoint, or a ``student_*.pth`` beside one.

    Returns:
        The whole config.

    Raises:
        CheckpointError: If neither is there.
    """
    for file in dict.fromkeys((checkpoint, _beside(checkpoint))):
        meta = read_checkpoint(file, 'checkpoint').get('meta') if file.is_file() else None
        if isinstance(meta, dict) and meta.get('cfg'):
            return _read_config(meta['cfg'], f'the config in {str(file)!r}')
    configs = sorted(checkpoint.parent.glob('*.py'))
    if len(configs) == 1:
        return _read_config(configs[0].read_text(), repr(str(configs[0])))
    raise CheckpointError(
        f'{str(checkpoint)!r} does not hold the config it was trained with, and its folder has {len(configs)} configs '
        '(it must be exactly one): export from the training checkpoint or its work directory'
    )


def _read_config(text: str, where: str) -> Config:
    """Parses a dumped config; modules that it imports must be there."""
    try:
        return Config.fromstring(text, '.py')
    except (SyntaxError, NameError) as error:
        raise CheckpointError(f'{where} is cut short or damaged: {type(error).__name__}: {error}') from error
    except ImportError as error:
        raise CheckpointError(f'{where} imports what is not found here: {error}; put it on PYTHONPATH') from error
