"""Cures of how a training runs: processes, devices, precision, recomputation, compilation."""

import atexit
import functools
import gc
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from unittest import mock


def checkpoint_without_reentry(execute: Callable[[], None]) -> None:
    """MMAction2 and MMPretrain checkpoint (``with_cp``) without saying how, which torch still takes as reentrantly.

    Then each piece runs a backward of its own, and DDP, which counts these, stops at a parameter that a step uses twice
    (a token student's last stage, in an assistant). Who does not say gets ``use_reentrant=False``, as torch advises.
    Batch norms would also take each batch into their running statistics twice, so that ``with_cp`` changed what is
    validated: those of the piece that is run again stand still then.
    """
    execute()
    from torch.utils import checkpoint as module

    from ..running_statistics import standing_statistics

    stock = module.checkpoint
    if getattr(stock, 'says_how', False):
        return

    from torch.compiler import is_compiling

    @functools.wraps(stock)
    def checkpoint(function: Callable, *args: Any, **kwargs: Any) -> Any:
        kwargs = {'use_reentrant': False, **kwargs}
        if not kwargs['use_reentrant'] and not is_compiling():
            kwargs.setdefault('context_fn', lambda: (nullcontext(), standing_statistics(*_modules_of(function))))
        return stock(function, *args, **kwargs)

    checkpoint.says_how = True
    module.checkpoint = checkpoint


def _modules_of(function: Callable) -> list:
    """The modules that a function is, belongs to or has in its closure (a block's ``_inner_forward``)."""
    from torch.nn import Module

    cells = [cell.cell_contents for cell in getattr(function, '__closure__', None) or ()]
    return [part for part in (function, getattr(function, '__self__', None), *cells) if isinstance(part, Module)]


def config_written_once(execute: Callable[[], None]) -> None:
    """MMEngine lays a config out anew, by yapf, for each checkpoint: 0.75 s, more than a small job's epoch.

    What was laid out is kept by its text; a config that was changed has another.
    """
    execute()
    from mmengine.config import config

    stock = config.FormatCode
    if hasattr(stock, 'known'):
        return

    @functools.wraps(stock)
    def format_code(text: str, **kwargs: Any) -> Any:
        key = text, repr(kwargs)
        if key not in format_code.known:
            laid_out = stock(text, **kwargs)
            format_code.known.clear()  # one of a process is written again and again
            format_code.known[key] = laid_out
        return format_code.known[key]

    format_code.known = {}
    config.FormatCode = format_code


def config_in_its_order(execute: Callable[[], None]) -> None:
    """MMEngine sorts the keys of a config that it writes: a training that went on from the one in its work directory
    had teachers and terms, and with them the parameters that an optimizer knows by their places, in another order.
    """
    execute()
    from mmengine.config import config

    config.sorted = lambda items, key: list(items)  # it sorts nothing else there


def processes_without_gpu(execute: Callable[[], None]) -> None:
    """``init_dist`` picks a CUDA device and NCCL without asking; where no accelerator is, gloo needs neither."""
    execute()
    from mmengine.dist import utils

    def cured(init: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(init)
        def init_process_group(backend: str, **kwargs: Any) -> None:
            import torch
            from mmengine.device import get_device

            if get_device() != 'cpu':
                return init(backend, **kwargs)
            with mock.patch.object(torch.cuda, 'set_device'):
                init('gloo' if backend == 'nccl' else backend, **kwargs)
            atexit.register(leave_process_group)

        return init_process_group

    for name in ('_init_dist_pytorch', '_init_dist_mpi', '_init_dist_slurm'):
        setattr(utils, name, cured(getattr(utils, name)))


def leave_process_group() -> None:
    """gloo's threads abort a process that ends without this: they let go of their tensors too late, beside a Python
    that is no longer there. They end with the last reference to the group, so a model that holds it goes first. After
    an error this is left out, for work may be pending that nobody will finish.
    """
    import torch.distributed as dist

    if dist.is_initialized() and getattr(sys, 'last_value', None) is None:
        gc.collect()
        dist.destroy_process_group()
        time.sleep(0.1)  # without the interpreter's lock, which a thread may still wait for


def parallel_model_without_gpu(execute: Callable[[], None]) -> None:
    """The Runner always names a GPU for ``MMDistributedDataParallel``; a model that lies on the CPU has none."""
    execute()
    from mmengine.model.wrappers.distributed import MMDistributedDataParallel

    init = MMDistributedDataParallel.__init__

    @functools.wraps(init)
    def cured(self: Any, module: Any, *args: Any, **kwargs: Any) -> None:
        if kwargs.get('device_ids') and all(weight.device.type == 'cpu' for weight in module.parameters()):
            kwargs['device_ids'] = None
        init(self, module, *args, **kwargs)

    MMDistributedDataParallel.__init__ = cured


def buffers_beside_averaged_weights(execute: Callable[[], None]) -> None:
    """``EMAHook`` saves averaged weights with buffers that it copied before ``SyncBuffersHook`` averaged them.

    Of several processes a checkpoint, and the student in it, had the running statistics of the first one alone, and not
    those that were validated.
    """
    execute()
    from mmengine.hooks.ema_hook import EMAHook

    stock = EMAHook.before_save_checkpoint

    @functools.wraps(stock)
    def save(self: Any, runner: Any, checkpoint: dict) -> None:
        if not self.ema_model.update_buffers:
            own = dict(self.src_model.named_buffers())
            for name, copied in self.ema_model.module.named_buffers():
                copied.data.copy_(own[name].data)
        stock(self, runner, checkpoint)

    EMAHook.before_save_checkpoint = save


def statistics_of_all_processes(execute: Callable[[], None]) -> None:
    """``SyncBuffersHook`` averages running statistics after epochs and before validations, not for checkpoints between.

    A checkpoint of an iteration had those of the first process alone: it was not what the iteration's validation
    judged, and a run that was resumed from it went on with other statistics than the unbroken one.
    """
    execute()
    from mmengine.dist import all_reduce_params
    from mmengine.hooks.sync_buffer_hook import SyncBuffersHook

    def after_train_iter(self: Any, runner: Any, *args: Any, **kwargs: Any) -> None:
        self.called_in_train = self.distributed and saves_after_iteration(runner)
        if self.called_in_train:
            all_reduce_params(runner.model.buffers(), op='mean')

    SyncBuffersHook.after_train_iter = after_train_iter


def saves_after_iteration(runner: Any) -> bool:
    """Whether a ``CheckpointHook`` that counts iterations saves after this one."""
    from mmengine.hooks import CheckpointHook

    savers = [hook for hook in runner.hooks if isinstance(hook, CheckpointHook) and not hook.by_epoch]
    return any(
        hook.every_n_train_iters(runner, hook.interval, hook.save_begin)
        or (hook.save_last and hook.is_last_train_iter(runner))
        for hook in savers
    )


def mixed_precision_without_gpu(execute: Callable[[], None]) -> None:
    """``AmpOptimWrapper`` refuses to be built on a CPU, where autocast to bfloat16 works and needs no loss scaling.

    But for 3D convolutions: torch 2.13 (oneDNN) gives their weights the gradients of memory that nobody wrote where the
    grid has few cells along an axis (two frames under a kernel of three). Those that train stay in float32.
    """
    execute()
    from mmengine.optim.optimizer import amp_optimizer_wrapper

    init = amp_optimizer_wrapper.AmpOptimWrapper.__init__

    @functools.wraps(init)
    def cured(self: Any, *args: Any, **kwargs: Any) -> None:
        from mmengine.device import get_device

        if get_device() != 'cpu':
            return init(self, *args, **kwargs)
        convolve_in_float32()
        with (
            mock.patch.object(amp_optimizer_wrapper, 'is_cuda_available', return_value=True),
            warnings.catch_warnings(),
        ):
            warnings.filterwarnings('ignore', message='.*GradScaler')  # it says that it does nothing, as it should
            return init(self, *args, **kwargs)

    amp_optimizer_wrapper.AmpOptimWrapper.__init__ = cured


def convolve_in_float32() -> None:
    """Takes 3D convolutions whose weights train out of autocast on a CPU."""
    import torch
    from torch import Tensor, nn

    stock = nn.Conv3d._conv_forward
    if getattr(stock, 'in_float32', False):
        return

    @functools.wraps(stock)
    def convolve(self: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        trains = weight.requires_grad and weight.dtype == torch.float32
        if inputs.device.type != 'cpu' or not trains or not torch.is_autocast_enabled('cpu'):
            return stock(self, inputs, weight, bias)
        with torch.autocast('cpu', enabled=False):
            return stock(self, inputs.float(), weight, bias)

    convolve.in_float32 = True
    nn.Conv3d._conv_forward = convolve


def accuracies_of_bfloat16(execute: Callable[[], None]) -> None:
    """MMAction2's heads hand their scores to NumPy for a batch's accuracies, and NumPy knows no bfloat16 (``--amp``).

    They get them in float32, as the distillers' terms do.
    """
    execute()
    import torch
    from mmaction.models.heads.base import BaseHead

    stock = BaseHead.loss_by_feat

    @functools.wraps(stock)
    def loss_by_feat(self: Any, cls_scores: Any, data_samples: Any) -> dict:
        return stock(self, cls_scores.float() if cls_scores.dtype == torch.bfloat16 else cls_scores, data_samples)

    BaseHead.loss_by_feat = loss_by_feat


def compiled_without_optimizer(execute: Callable[[], None]) -> None:
    """MMEngine compiles a training step with the optimizer's in it, which torch cannot trace for AdamW.

    Backward and optimizer stay outside then; what the compiled forward hands to autograd is compiled as before.
    """
    execute()
    from mmengine.runner.runner import Runner

    stock = Runner._maybe_compile

    @functools.wraps(stock)
    def compile_forward(self: Any, target: str) -> None:
        if self.cfg.get('compile') and target == 'train_step':
            import torch

            self.optim_wrapper.update_params = torch.compiler.disable(self.optim_wrapper.update_params)
        stock(self, target)

    Runner._maybe_compile = compile_forward
