"""The student out of a checkpoint of a distiller, and checkpoints read safely."""

import pickle
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .errors import CheckpointError

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
    path = Path(path).expanduser()
    if not path.is_file():
        raise CheckpointError(f'{key}: there is no file {str(path)!r}')
    try:
        checkpoint = torch.load(path, map_location='cpu', weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, AttributeError, IndexError) as error:
        unsafe = re.search(r'(?:GLOBAL|class|global) ([\w.]+\.[\w.]+)', str(error))
        if 'nsupported' in str(error) and unsafe:
            raise CheckpointError(
                f'{key}: {str(path)!r} holds {unsafe[1]} beside its weights. Reading that could run code from the '
                'file, so only tensors and plain values are read; let its owner save the state_dict alone'
            ) from error
        reason = str(error).strip().splitlines()
        raise CheckpointError(
            f'{key}: {str(path)!r} is not a checkpoint that torch can read as weights: '
            f'{reason[0] if reason else type(error).__name__}'
        ) from error
    if not isinstance(checkpoint, dict):
        raise CheckpointError(f'{key}: {str(path)!r} holds a {type(checkpoint).__name__}, not a dict of tensors')
    return checkpoint


def model_state_dict(checkpoint: dict[str, Any]) -> 'OrderedDict[str, Tensor]':
    """Takes a model's tensors out of a checkpoint.

    Args:
        checkpoint: A checkpoint with ``state_dict``, or a bare state dict; keys may begin with ``module.``. Of a
            distiller's checkpoint the student is taken.

    Returns:
        Tensors by the names of the model's own ``state_dict``; empty if there are none.
    """
    state = checkpoint.get('state_dict', checkpoint)
    state = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    if state and all(name.startswith('module.') for name in state):
        state = {name.removeprefix('module.'): value for name, value in state.items()}
    return student_state_dict(state)


def student_state_dict(state_dict: dict[str, Tensor]) -> 'OrderedDict[str, Tensor]':
    """Takes the student out of a distiller's state dict.

    Args:
        state_dict: Tensors by name. Without any ``student.`` name it is already a plain model's and is handed on.

    Returns:
        The student's tensors under the names that plain MMAction2 knows. TPN's ``cls_head.new_cls``, the copy of
        ``fc_cls`` that its first fully convolutional test makes, is left out: a model builds it anew.
    """
    if any(name.startswith(STUDENT_PREFIX) for name in state_dict):
        state_dict = {
            name.removeprefix(STUDENT_PREFIX): value
            for name, value in state_dict.items()
            if name.startswith(STUDENT_PREFIX)
        }
    return OrderedDict((name, value) for name, value in state_dict.items() if not name.startswith('cls_head.new_cls.'))
