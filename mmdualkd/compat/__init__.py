"""Cures for known faults of the published packages that this one stands on.

One function a fault; each does nothing where its fault is absent. Nothing heavy is imported for their sake: a cure
that concerns a module waits, by an import hook, until somebody imports that module (:data:`CURES`).
"""

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .checkpoints import checkpoint_cut_short, last_checkpoint_cut_short, resume_one_cycle, resume_with_weights_only
from .packages import (
    expected_warnings,
    hue_of_pictures,
    hue_of_unsigned_bytes,
    know_our_configs,
    mean_over_classes_that_are_there,
    missing_drn,
    timm_model_inside_another,
    torchvision_without_ops,
)
from .training import (
    accuracies_of_bfloat16,
    buffers_beside_averaged_weights,
    checkpoint_without_reentry,
    compiled_without_optimizer,
    config_in_its_order,
    config_written_once,
    mixed_precision_without_gpu,
    parallel_model_without_gpu,
    processes_without_gpu,
    statistics_of_all_processes,
)
from .versions import check_pkg_resources, check_versions, told_in_one_line


def apply() -> None:
    """Checks the versions and puts every cure in place; a second call changes nothing.

    Raises:
        StackError: If a package is missing or of a version that is known not to work.
    """
    if any(getattr(finder, 'of_mmdualkd', False) for finder in sys.meta_path):
        return
    expected_warnings()
    told_in_one_line()
    check_versions()
    check_pkg_resources()
    know_our_configs()
    sys.meta_path.insert(0, _ImportHook())
    for name, cure in CURES.items():
        if name in sys.modules:
            cure(lambda: None)


def called_for_the_doctor() -> bool:
    """Whether this process is ``mmdualkd doctor`` or ``python -m mmdualkd doctor``: nothing is checked or mended then.

    It says what is wrong with the stack where ``apply`` would stop, and tries the stack in processes of their own.
    """
    program, *words = getattr(sys, 'argv', None) or ['']
    return words[:1] == ['doctor'] and Path(program).stem in ('mmdualkd', '-m', '__main__')


# the module whose import each cure goes around
CURES: dict[str, Callable[[Callable[[], None]], None]] = {
    'torch': resume_with_weights_only,
    'torch.utils.checkpoint': checkpoint_without_reentry,
    'torchvision': torchvision_without_ops,
    'mmaction.datasets.transforms.processing': hue_of_unsigned_bytes,
    'mmaction.evaluation.functional.accuracy': mean_over_classes_that_are_there,
    'mmaction.models.heads.base': accuracies_of_bfloat16,
    'mmaction.models.localizers': missing_drn,
    'mmcv.image.photometric': hue_of_pictures,
    'mmengine.config': config_in_its_order,
    'mmengine.config.config': config_written_once,
    'mmengine.dist.utils': processes_without_gpu,
    'mmengine.fileio.backends.local_backend': checkpoint_cut_short,
    'mmengine.hooks.checkpoint_hook': last_checkpoint_cut_short,
    'mmengine.hooks.ema_hook': buffers_beside_averaged_weights,
    'mmengine.hooks.sync_buffer_hook': statistics_of_all_processes,
    'mmengine.model.wrappers.distributed': parallel_model_without_gpu,
    'mmengine.optim.scheduler.param_scheduler': resume_one_cycle,
    'mmengine.optim.optimizer.amp_optimizer_wrapper': mixed_precision_without_gpu,
    'mmengine.runner.runner': compiled_without_optimizer,
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
