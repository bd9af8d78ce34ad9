"""Cures for known faults of the published packages that this one stands on.

One function a fault; each does nothing where its fault is absent. Nothing heavy is imported for their sake: a cure
that concerns a module waits, by an import hook, until somebody imports that module.
"""

import atexit
import functools
import gc
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import pickle
import sys
import time
import types
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from types import ModuleType
from typing import Any
from unittest import mock

from .errors import DistillError
from .files import open_whole, replacing

Execute = Callable[[], None]

# import name: (names on the package index, lowest version, first version that is too new, what to install if none is)
NEEDED = {
    'mmengine': (('mmengine',), '0.10.4', '1.0.0', 'mmengine'),
    'torch': (('torch',), '2.6', '3', 'torch'),
    'mmcv': (('mmcv', 'mmcv-lite'), '2.0.0rc4', '2.2.0', 'mmcv-lite'),
    'mmaction': (('mmaction2',), '1.2.0', '1.3.0', 'mmaction2'),
}


class StackError(DistillError, RuntimeError):
    """A package that is missing, or whose version does not fit; the message holds the command that mends it."""


def apply() -> None:
    """Checks the versions and puts every cure in place; a second call changes nothing.

    Raises:
        StackError: If a package is missing or of a version that is known not to work.
    """
    if any(getattr(finder, 'of_mmdualkd', False) for finder in sys.meta_path):
        return
    check_versions()
    check_pkg_resources()
    know_our_configs()
    sys.meta_path.insert(0, _ImportHook())
    for name, cure in CURES.items():
        if name in sys.modules:
            cure(lambda: None)


def check_versions() -> None:
    """Every needed package is there, in a version that works with the others.

    Raises:
        StackError: With the command that mends it.
    """
    for module, (names, low, high, first_choice) in NEEDED.items():
        found = [(name, version) for name in names if (version := _installed_version(name))]
        if not found and importlib.util.find_spec(module) is None:
            raise StackError(f'mmdualkd needs {module}; run: pip install "{first_choice}>={low},<{high}"')
        for name, version in found:
            if not _digits(low) <= _digits(version) < _digits(high):
                raise StackError(
                    f'mmdualkd needs {name}>={low},<{high}, but {version} is installed; '
                    f'run: pip install "{name}>={low},<{high}"'
                )


def check_pkg_resources() -> None:
    """MMEngine needs ``pkg_resources`` to find ``mmaction::`` configs; setuptools 81 begins to take it away.

    Raises:
        StackError: With the command that mends it.
    """
    if importlib.util.find_spec('pkg_resources') is None:
        raise StackError('mmengine needs pkg_resources, which new setuptools lack; run: pip install "setuptools<81"')


def know_our_configs() -> None:
    """Lets ``_base_ = ['mmdualkd::dualkd/...py']`` find the configs in ``mmdualkd/.mim/configs``.

    MMEngine keeps a fixed table from scope to distribution, then looks beside the distribution's metadata. For an
    editable install that is not where the code is. A name that is a module and no distribution makes it ask Python's
    import system instead, which is right for wheels, editable installs and ``PYTHONPATH`` alike.

    A base inherited by a scope gets that scope written into each of its dicts, so that a bare ``DecordInit`` would be
    looked for here alone. Our configs name our modules with their scope and MMAction2's without, so they are read as
    bases inherited by a path are.
    """
    from mmengine.config import Config
    from mmengine.config.utils import MODULE2PACKAGE

    MODULE2PACKAGE.setdefault('mmdualkd', 'mmdualkd.version')
    find = Config._get_cfg_path

    def find_without_scope(cfg_path: str, filename: str) -> tuple[str, str | None]:
        path, scope = find(cfg_path, filename)
        return path, None if scope == 'mmdualkd' else scope

    Config._get_cfg_path = staticmethod(find_without_scope)


def missing_drn(execute: Execute) -> None:
    """``mmaction.models`` cannot be imported from the wheel of 1.2.0: its folder ``localizers/drn`` is missing.

    A stand-in takes its place; who builds a DRN is told why there is none.
    See https://github.com/open-mmlab/mmaction2/issues/2714.
    """
    name = 'mmaction.models.localizers.drn'
    if name not in sys.modules and importlib.util.find_spec(name) is None:

        class DRN:
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                raise StackError('DRN is missing from the installed mmaction2; install mmaction2 from its sources')

        package, module = ModuleType(name), ModuleType(f'{name}.drn')
        package.drn, module.DRN = module, DRN
        sys.modules[package.__name__], sys.modules[module.__name__] = package, module
    execute()


def torchvision_without_ops(execute: Execute) -> None:
    """A torchvision built for another torch (CUDA beside CPU) loads none of its operators, and then fails on two.

    On that very error their schemas are declared, so that the rest of torchvision can be imported. Calling one of
    the two (``nms``, ``qnms``) still fails, as it would have.
    """
    try:
        execute()
    except RuntimeError as error:
        if 'operator torchvision::nms does not exist' not in str(error):
            raise
        import torch

        for name in [name for name in sys.modules if name.startswith('torchvision.')]:
            del sys.modules[name]
        library = torch.library.Library('torchvision', 'DEF')
        library.define('nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
        library.define('qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
        torchvision_without_ops.library = library  # the schemas live as long as this object
        execute()


def resume_with_weights_only(execute: Execute) -> None:
    """torch 2.6 and later load checkpoints with ``weights_only=True``; MMEngine's hold its log as numpy arrays.

    The types of that log are declared safe: MMEngine's ``HistoryBuffer`` and numpy's arrays and numbers. Files that
    numpy 1 wrote name two of numpy's functions otherwise, so these are declared under both names. A ``HistoryBuffer``
    also names four of its own methods, which pickle writes as ``getattr(HistoryBuffer, 'mean')``; ``getattr`` itself
    would not be safe, so in a checkpoint that name stands for a function that gives these four, and what
    :func:`resume_one_cycle` needs, and nothing else.
    """
    execute()
    import numpy as np
    import torch
    from mmengine.logging.history_buffer import HistoryBuffer

    rebuild = np.zeros(0).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    dtypes = {type(np.dtype(code)) for code in np.typecodes['AllInteger'] + np.typecodes['Float'] + '?'}
    allowed = [HistoryBuffer, np.ndarray, np.dtype, *dtypes]
    for package in ('numpy.core', 'numpy._core'):
        allowed += [(rebuild, f'{package}.multiarray._reconstruct'), (scalar, f'{package}.multiarray.scalar')]
    torch.serialization.add_safe_globals([*allowed, (_getattr_in_checkpoint, 'builtins.getattr')])


def checkpoint_without_reentry(execute: Execute) -> None:
    """MMAction2 and MMPretrain checkpoint (``with_cp``) without saying how, which torch still takes as reentrantly.

    Then each piece runs a backward of its own, and DDP, which counts these, stops at a parameter that a step uses twice
    (a token student's last stage, in an assistant). Who does not say gets ``use_reentrant=False``, as torch advises.
    Batch norms would also take each batch into their running statistics twice, so that ``with_cp`` changed what is
    validated: those of the piece that is run again stand still then.
    """
    execute()
    from torch.utils import checkpoint as module

    from .running_statistics import standing_statistics

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


def resume_one_cycle(execute: Execute) -> None:
    """``OneCycleLR`` saves one of its own two functions, by name, in every checkpoint; its class is declared safe."""
    execute()
    import torch
    from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

    torch.serialization.add_safe_globals([OneCycleParamScheduler])


def _getattr_in_checkpoint(owner: Any, name: str) -> Callable:
    from mmengine.logging.history_buffer import HistoryBuffer
    from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

    allowed = {
        HistoryBuffer: ('min', 'max', 'current', 'mean'),
        OneCycleParamScheduler: ('_annealing_cos', '_annealing_linear'),
    }
    if name not in allowed.get(owner, ()):
        raise pickle.UnpicklingError(f'a checkpoint may not ask for the attribute {name!r} of {owner!r}')
    return getattr(owner, name)


def processes_without_gpu(execute: Execute) -> None:
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


def parallel_model_without_gpu(execute: Execute) -> None:
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


def mixed_precision_without_gpu(execute: Execute) -> None:
    """``AmpOptimWrapper`` refuses to be built on a CPU, where autocast to bfloat16 works and needs no loss scaling."""
    execute()
    from mmengine.optim.optimizer import amp_optimizer_wrapper

    init = amp_optimizer_wrapper.AmpOptimWrapper.__init__

    @functools.wraps(init)
    def cured(self: Any, *args: Any, **kwargs: Any) -> None:
        from mmengine.device import get_device

        if get_device() != 'cpu':
            return init(self, *args, **kwargs)
        with (
            mock.patch.object(amp_optimizer_wrapper, 'is_cuda_available', return_value=True),
            warnings.catch_warnings(),
        ):
            warnings.filterwarnings('ignore', message='.*GradScaler')  # it says that it does nothing, as it should
            return init(self, *args, **kwargs)

    amp_optimizer_wrapper.AmpOptimWrapper.__init__ = cured


def checkpoint_cut_short(execute: Execute) -> None:
    """A checkpoint is written straight to its name: a kill or a full disk leaves half of it, and the old one is lost.

    All files that MMEngine's local backend writes appear whole, or not at all. See :func:`.files.replacing`.
    """
    execute()
    from mmengine.fileio.backends.local_backend import LocalBackend

    put = LocalBackend.put

    @functools.wraps(put)
    def cured(self: Any, obj: bytes, filepath: Any) -> None:
        if os.path.exists(filepath) and not os.path.isfile(filepath):  # a device, a pipe
            return put(self, obj, filepath)
        with replacing(filepath) as part:
            put(self, obj, part)

    LocalBackend.put = cured


def last_checkpoint_cut_short(execute: Execute) -> None:
    """The same for the text file ``last_checkpoint``, which is all that ``CheckpointHook`` opens itself."""
    execute()
    from mmengine.hooks import checkpoint_hook

    checkpoint_hook.open = open_whole


def timm_model_inside_another(execute: Execute) -> None:
    """``TimmClassifier`` saves its tensors without their ``model.``, but inside another model it forgets to.

    The hook that renames gives a new dict, which torch drops unless the classifier is the outermost module; loading
    then adds a second ``model.``, and a resumed distillation goes on with a fresh student. This one renames in place.
    """
    execute()
    from mmpretrain.models.classifiers.timm import TimmClassifier

    def rename(self: Any, state_dict: dict, prefix: str, local_metadata: dict) -> None:
        inner = f'{prefix}model.'
        for name in [name for name in state_dict if name.startswith(inner)]:
            state_dict[f'{prefix}{name.removeprefix(inner)}'] = state_dict.pop(name)

    TimmClassifier._remove_state_dict_prefix = staticmethod(rename)


# the module whose import each cure goes around
CURES: dict[str, Callable[[Execute], None]] = {
    'torch': resume_with_weights_only,
    'torch.utils.checkpoint': checkpoint_without_reentry,
    'torchvision': torchvision_without_ops,
    'mmaction.models.localizers': missing_drn,
    'mmengine.dist.utils': processes_without_gpu,
    'mmengine.fileio.backends.local_backend': checkpoint_cut_short,
    'mmengine.hooks.checkpoint_hook': last_checkpoint_cut_short,
    'mmengine.model.wrappers.distributed': parallel_model_without_gpu,
    'mmengine.optim.scheduler.param_scheduler': resume_one_cycle,
    'mmengine.optim.optimizer.amp_optimizer_wrapper': mixed_precision_without_gpu,
    'mmpretrain.models.classifiers.timm': timm_model_inside_another,
}


class _ImportHook(importlib.abc.MetaPathFinder):
    """Goes around the execution of the modules in :data:`CURES`, and of no other."""

    of_mmdualkd = True  # known by this, for a reloaded module has another class; two hooks would ask each other

    def find_spec(
        self, name: str, path: Any = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in CURES:
            return None
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, 'find_spec'))
        spec = next((spec for finder in others if (spec := finder.find_spec(name, path, target))), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module
            spec.loader.exec_module = lambda module: CURES[name](lambda: execute(module))
        return spec


def _installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _digits(version: str) -> tuple[int, ...]:
    from mmengine.utils import digit_version

    return digit_version(version)
