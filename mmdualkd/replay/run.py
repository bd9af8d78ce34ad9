"""Runs a kept step again, forward and backward, and tells where the first number arises that is not finite."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import autocast
from mmengine.utils import import_modules_from_strings
from torch import Tensor, nn

from ..checkpoint import read_checkpoint
from ..errors import CheckpointError, listed
from ..seeds import seed_step
from .plain import unplain
from .record import FORMAT, KEYS, not_finite
from .watch import FirstFault, finite, first_fault_of_backward

NAMED = 3


def replay(path: str, device: str) -> Iterator[str]:
    """Runs the step of a file again.

    Args:
        path: What :class:`~mmdualkd.hooks.CheckFiniteHook` wrote.
        device: Where (``'cpu'``, ``'cuda'``).

    Yields:
        Lines that say what was found.

    Raises:
        CheckpointError: If it is no such file, or the model of its config is another than its weights'.
    """
    step = read_checkpoint(path, 'FILE')
    if step.get('format') != FORMAT:
        raise CheckpointError(f'FILE={path!r} is no step that mmdualkd.CheckFiniteHook wrote (divergence_*.pt is)')
    if missing := [key for key in KEYS if key not in step]:
        raise CheckpointError(f'FILE={path!r} is not as mmdualkd.CheckFiniteHook wrote it: no {", ".join(missing)}')
    yield f'said then: {step["said"]}'
    where = f'epoch {step["epoch"]}, iteration {step["iteration"]}, process {step["rank"]} of {step["processes"]}'
    yield f'step: {where}; it ran on {step["device"]}, now on {device}'
    for difference in _differences(step, device):
        yield f'note: {difference}'
    model, cfg = _model(step, device)
    yield f'weights before the step: {_told(not_finite(step["state"]), len(step["state"]))}'
    batch = unplain(step['batch'])
    yield f'inputs: {_ranges(batch)}'
    if step['seed'] is not None:
        seed_step(step['seed'], step['iteration'] - 1, step['rank'])
    fault, told = FirstFault(model), []
    with first_fault_of_backward(told):
        with _precision(cfg, device):
            losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
            loss, values = model.parse_losses(losses)
        for name, value in values.items():
            yield f'  {name} {float(torch.as_tensor(value).detach()):.6g}{"" if finite(value) else "   <- not finite"}'
        yield f'first output that is not finite: {fault.found or "none"}'
        if not finite(loss):
            yield 'backward: not run, for the loss is not finite'
            return
        loss.backward()
    yield f'backward: {"; ".join(told) or "no gradient on the way is NaN"}'
    if not told:
        gradients = {name: value.grad for name, value in model.named_parameters() if value.grad is not None}
        yield f'gradients: {_told(not_finite(gradients), len(gradients))}'


def _model(step: dict[str, Any], device: str) -> tuple[nn.Module, Config]:
    """The model of a step's config with the weights that it had before it, as it trains."""
    cfg = Config(step['config'])
    if cfg.get('custom_imports'):
        import_modules_from_strings(**cfg.custom_imports)
    for teacher in (cfg.model.get('teachers') or {}).values():
        teacher.pop('compile', None)  # modules that are compiled cannot be watched
    init_default_scope(cfg.get('default_scope') or 'mmaction')
    hub = MessageHub.get_instance('replay')
    hub.update_info('iter', step['iteration'] - 1)  # terms that grow ask for it
    model = MODELS.build(cfg.model)
    if device == 'cpu':
        model = revert_sync_batchnorm(model)
    try:
        model.load_state_dict(step['state'])
    except RuntimeError as error:
        raise CheckpointError(f'the weights of the step are not those of its config: {error}') from error
    return model.to(device).train(), cfg


def _differences(step: dict[str, Any], device: str) -> Iterator[str]:
    """Why this run may give other numbers."""
    if device != step['device']:
        yield f'numbers differ by rounding from those on {step["device"]}, and random numbers are others'
    if step['seed'] is None:
        yield 'random numbers (dropout, mixup) are others, for the training had no mmdualkd.EpochSeedHook'
    if step['processes'] > 1:
        yield 'what processes shared (synchronised batch norms, relations across them) is of this one alone'


def _precision(cfg: Config, device: str) -> AbstractContextManager[Any]:
    """Mixed precision, where the training had it."""
    wrapper = cfg.get('optim_wrapper') or {}
    if not str(wrapper.get('type')).endswith('AmpOptimWrapper'):
        return nullcontext()
    dtype = wrapper.get('dtype')
    return autocast(device_type=device, dtype=getattr(torch, dtype) if dtype else None)


def _told(names: list[str], count: int) -> str:
    if not names:
        return f'all {count} tensors are finite'
    return f'{len(names)} of {count} tensors are not finite ({listed(names, NAMED)})'


def _ranges(batch: Any) -> str:
    """Shape, type and range of a batch's inputs."""
    inputs = batch['inputs'] if isinstance(batch, dict) else batch
    inputs = inputs if isinstance(inputs, list | tuple) else [inputs]
    tensors = [value for value in inputs if isinstance(value, Tensor) and value.numel()]
    kinds = ', '.join(dict.fromkeys(f'{tuple(value.shape)} {value.dtype}' for value in tensors))
    low, high = (getattr(torch.stack([getattr(v, what)() for v in tensors]), what)() for what in ('min', 'max'))
    return f'{len(tensors)} of {kinds}, from {low:g} to {high:g}'
