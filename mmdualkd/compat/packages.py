"""Cures that let the published packages be imported, and their models be saved and loaded."""

import functools
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from .versions import StackError


def know_our_configs() -> None:
    """Lets ``_base_ = ['mmdualkd::dualkd/...py']`` find the configs in ``mmdualkd/.mim/configs``.

    MMEngine keeps a fixed table from scope to distribution, then looks beside the distribution's metadata. For an
    editable install that is not where the code is. A name that is a module and no distribution makes it ask Python's
    import system instead, which is right for wheels, editable installs and ``PYTHONPATH`` alike.

    A base inherited by a scope gets that scope written into each of its dicts, so that a bare ``DecordInit`` would be
    looked for here alone. Our configs name our modules with their scope and MMAction2's without, so they are read as
    bases inherited by a path are.

    A name of any package whose file is there leads straight to it: MMEngine would first read that package's metafiles,
    eighty of MMPretrain's, for each name.
    """
    from mmengine.config import Config
    from mmengine.config.utils import MODULE2PACKAGE

    MODULE2PACKAGE.setdefault('mmdualkd', 'mmdualkd.version')
    find = Config._get_cfg_path

    def find_directly(cfg_path: str, filename: str) -> tuple[str, str | None]:
        scope, colons, name = cfg_path.partition('::')
        spec = importlib.util.find_spec(scope) if colons and scope in MODULE2PACKAGE else None
        folders = getattr(spec, 'submodule_search_locations', None) or ()
        paths = (Path(folder, '.mim', 'configs', name) for folder in folders)
        path = next((str(path) for path in paths if path.is_file()), None)
        if path is None:
            path, scope = find(cfg_path, filename)
        return path, None if scope == 'mmdualkd' else scope

    Config._get_cfg_path = staticmethod(find_directly)


def expected_warnings() -> None:
    """Warnings of every run that concern no user.

    MMEngine reads pkg_resources, sets the number of threads and names its own arguments of DDP; mmcv-lite has no
    operators; torch has no public function yet in place of the one that gathers with gradients.
    """
    for message in (
        'pkg_resources is deprecated',
        'Fail to import ``MultiScaleDeformableAttention``',
        'Setting [A-Z]{3}_NUM_THREADS environment variable',
        '`broadcast_buffers` is deprecated',
        'torch.distributed.nn.functional.all_gather is deprecated',
    ):
        warnings.filterwarnings('ignore', message=message, append=True)  # what the user has asked for comes first


def missing_drn(execute: Callable[[], None]) -> None:
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


def torchvision_without_ops(execute: Callable[[], None]) -> None:
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


def timm_model_inside_another(execute: Callable[[], None]) -> None:
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


def hue_of_unsigned_bytes(execute: Callable[[], None]) -> None:
    """``ColorJitter`` with a hue below 0 (half of the default's draws) ends with an ``OverflowError`` of NumPy 2.

    It adds a negative number to hues that are unsigned bytes. This one has room for the sum.
    """
    execute()
    processing = sys.modules['mmaction.datasets.transforms.processing']

    def adjust_hue(img: Any, factor: float) -> Any:
        import cv2

        hsv = cv2.cvtColor(img.clip(0, 255).astype('uint8'), cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0].astype('int16') + int(factor * 255)) % 180
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB).astype('float32')

    processing.ColorJitter.adjust_hue = staticmethod(adjust_hue)


def hue_of_pictures(execute: Callable[[], None]) -> None:
    """The same fault in MMCV, by which MMPretrain's ``ColorJitter`` turns the hue of pictures."""
    execute()
    import cv2
    import numpy as np
    from PIL import Image

    module = sys.modules['mmcv.image.photometric']
    stock = module.adjust_hue
    if hasattr(stock, '__wrapped__'):
        return

    @functools.wraps(stock)
    def adjust_hue(img: Any, hue_factor: float, backend: str | None = None) -> Any:
        backend = backend or module.imread_backend
        if not -0.5 <= hue_factor < 0 or img.ndim != 3 or backend not in ('cv2', 'pillow'):
            return stock(img, hue_factor, backend)
        if backend == 'pillow':  # MMPretrain's default
            hsv = np.array(Image.fromarray(img[..., ::-1]).convert('HSV'))
        else:
            hsv = cv2.cvtColor(img.astype(np.uint8), cv2.COLOR_BGR2HSV_FULL)
        hsv[..., 0] = (hsv[..., 0].astype(np.int16) + int(hue_factor * 255)) % 256
        if backend == 'pillow':
            parts = [Image.fromarray(np.ascontiguousarray(part)) for part in np.moveaxis(hsv, -1, 0)]
            return np.array(Image.merge('HSV', parts).convert('RGB'))[..., ::-1]
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR_FULL).astype(img.dtype)

    for name in ('mmcv.image.photometric', 'mmcv.image', 'mmcv'):  # who imported it before has it under these names
        if getattr(sys.modules.get(name), 'adjust_hue', None) is stock:
            sys.modules[name].adjust_hue = adjust_hue


def mean_over_classes_that_are_there(execute: Callable[[], None]) -> None:
    """MMAction2's mean class accuracy takes classes without a sample in, as never right, if one was predicted.

    The label -1 (a pair of EPIC-KITCHENS-100 that no model knows) is another such class to it, and samples of it count
    as ones of the highest class. Here the mean is over the classes that samples have.
    """
    execute()
    import numpy as np

    names = ('functional.accuracy', 'functional', 'metrics.acc_metric')
    modules = [sys.modules.get(f'mmaction.evaluation.{name}') for name in names]
    stock = modules[0].mean_class_accuracy
    if hasattr(stock, '__wrapped__'):
        return

    @functools.wraps(stock)
    def mean_class_accuracy(scores: Any, labels: Any) -> Any:
        if np.ndim(labels) != 1:
            return stock(scores, labels)
        right, labels = np.argmax(scores, axis=1) == labels, np.asarray(labels)
        return np.mean([right[labels == label].mean() for label in np.unique(labels[labels >= 0])] or [0.0])

    for module in (*modules, sys.modules.get('mmaction.evaluation')):
        if getattr(module, 'mean_class_accuracy', None) is stock:
            module.mean_class_accuracy = mean_class_accuracy
