"""Whether the installed packages have the faults that compat mends; run as it is, where nothing is mended.

Each function is named as the cure of its fault and says whether the fault is there: True, or by the error that it
raises (``FAULTS``). A line of JSON each.
"""

import importlib.util
import inspect
import io
import json
import os
import sys
import tempfile
import types


def know_our_configs():
    from mmengine.config.utils import MODULE2PACKAGE

    return 'mmdualkd' not in MODULE2PACKAGE


def torchvision_without_ops():
    import torchvision  # noqa: F401


def missing_drn():
    return not os.path.isfile(_file('mmaction', 'models', 'localizers', 'drn', 'drn.py'))


def _file(package, *parts):
    return os.path.join(importlib.util.find_spec(package).submodule_search_locations[0], *parts)


def resume_with_weights_only():
    from mmengine.logging.history_buffer import HistoryBuffer

    _saved_and_loaded(HistoryBuffer([1.0], [1]))


def resume_one_cycle():
    import torch
    from mmengine.optim import OneCycleLR

    optimizer = torch.optim.SGD(torch.nn.Linear(1, 1).parameters(), 0.1)
    _saved_and_loaded(OneCycleLR(optimizer, eta_max=0.1, total_steps=10).state_dict())


def _saved_and_loaded(value):
    import torch

    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    torch.load(file, weights_only=True)


def checkpoint_without_reentry():
    from torch.utils import checkpoint

    return inspect.signature(checkpoint.checkpoint).parameters['use_reentrant'].default is not False


def config_written_once():
    from mmengine.runner import Runner

    return 'cfg.pretty_text' in inspect.getsource(Runner.save_checkpoint)


def config_in_its_order():
    from mmengine.config import Config

    return Config(dict(b=1, a=1)).pretty_text.startswith('a')


def processes_without_gpu():
    from mmengine.dist import utils

    return _no_accelerator() and 'torch.cuda.set_device' in inspect.getsource(utils._init_dist_pytorch)


def parallel_model_without_gpu():
    from mmengine.runner import Runner

    return _no_accelerator() and 'device_ids=[' in inspect.getsource(Runner.wrap_model)


def buffers_beside_averaged_weights():
    from mmengine.hooks import EMAHook

    return 'buffers' not in inspect.getsource(EMAHook.before_save_checkpoint)


def statistics_of_all_processes():
    from mmengine.hooks import SyncBuffersHook

    return 'after_train_iter' not in vars(SyncBuffersHook)


def mixed_precision_without_gpu():
    import torch
    from mmengine.optim import AmpOptimWrapper

    AmpOptimWrapper(optimizer=torch.optim.SGD(torch.nn.Linear(1, 1).parameters(), 0.1))


def accuracies_of_bfloat16():
    with open(_file('mmaction', 'models', 'heads', 'base.py')) as file:
        return 'cls_scores.detach().cpu().numpy()' in file.read()


def _no_accelerator():
    from mmengine.device import get_device

    return get_device() == 'cpu'


def compiled_without_optimizer():
    from mmengine.runner import Runner

    return 'update_params' not in inspect.getsource(Runner._maybe_compile)


def checkpoint_cut_short():
    from mmengine.fileio.backends.local_backend import LocalBackend

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'checkpoint.pth')
        LocalBackend().put(b'whole', path)
        try:
            LocalBackend().put('what cannot be written', path)
        except TypeError:
            with open(path, 'rb') as file:
                return file.read() != b'whole'
    return False


def last_checkpoint_cut_short():
    from mmengine.hooks import CheckpointHook

    return "open(save_file, 'w')" in inspect.getsource(CheckpointHook)


def hue_of_unsigned_bytes():
    import numpy as np

    name = 'mmaction.models.localizers.drn'
    sys.modules[name], sys.modules[f'{name}.drn'] = types.ModuleType('drn'), types.SimpleNamespace(DRN=None)
    from mmaction.datasets.transforms.processing import ColorJitter

    ColorJitter.adjust_hue(np.full((1, 1, 3), (200, 0, 0), np.float32), -30 / 255)


def hue_of_pictures():
    import mmcv
    import numpy as np

    mmcv.adjust_hue(np.full((1, 1, 3), (0, 0, 200), np.uint8), -30 / 255)


def mean_over_classes_that_are_there():
    with open(_file('mmaction', 'evaluation', 'functional', 'accuracy.py')) as file:
        return '[hit / cnt if cnt else 0.0 for cnt, hit in zip(cls_cnt, cls_hit)])\n\n    return mean' in file.read()


def timm_model_inside_another():
    with open(_file('mmpretrain', 'models', 'classifiers', 'timm.py')) as file:
        return 'return new_state_dict' in file.read()


FAULTS = {  # what a fault raises; other errors say nothing of it
    'torchvision_without_ops': 'operator torchvision::nms does not exist',
    'resume_with_weights_only': 'Weights only load failed',
    'resume_one_cycle': 'Weights only load failed',
    'mixed_precision_without_gpu': 'is only available training',
    'hue_of_unsigned_bytes': 'out of bounds for uint8',
    'hue_of_pictures': 'out of bounds for uint8',
}
PROBES = [one for name, one in list(globals().items()) if inspect.isfunction(one) and not name.startswith('_')]


def state(probe):
    """Says in words whether a fault is there."""
    try:
        return 'present' if probe() else 'absent'
    except Exception as error:
        if FAULTS.get(probe.__name__, '\0') in str(error):
            return 'present'
        return f'not looked at ({type(error).__name__}: {" ".join(str(error).split())[:80]})'


if __name__ == '__main__':
    for one in PROBES:
        print(json.dumps({'name': one.__name__, 'state': state(one)}), flush=True)
