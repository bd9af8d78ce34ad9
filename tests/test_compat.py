"""Each cure: the fault in a process without mmdualkd, and the same code in another that has imported it first.

A fault that the installed packages do not have makes its test skip, saying so.
"""

import importlib.metadata
import pickle
import sys

import pytest
import torch
from helpers import run_code

from mmdualkd import compat

CURE = 'import mmdualkd\n'


def test_mmaction_models_without_drn_can_be_imported(fault_and_cure):
    code = 'import importlib; importlib.import_module("mmaction.models.localizers")\n'
    # torchvision has a fault of its own, so it is mended by hand in both processes
    by_hand = (
        'import torch\n'
        'try:\n'
        '    import torchvision\n'
        'except RuntimeError:\n'
        '    import sys\n'
        '    [sys.modules.pop(name) for name in list(sys.modules) if name.startswith("torchvision")]\n'
        '    library = torch.library.Library("torchvision", "DEF")\n'
        '    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")\n'
        '    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")\n'
        '    import torchvision\n'
    )
    use = (
        'from mmaction.models import X3D\n'
        'from mmaction.models.localizers import DRN\n'
        'try:\n'
        '    DRN()\n'
        'except Exception as error:\n'
        '    print(type(error).__name__, error)\n'
    )
    output = fault_and_cure(by_hand + code + use, "No module named 'mmaction.models.localizers.drn'")
    assert 'StackError DRN is missing from the installed mmaction2' in output


def test_torchvision_without_its_ops_can_be_imported_and_used(fault_and_cure):
    code = (
        'import torch, torchvision\n'
        'from torchvision.transforms.functional import resize\n'
        'print(tuple(resize(torch.zeros(3, 8, 8), [4, 4]).shape), torchvision.models.resnet18 is not None)\n'
    )
    assert '(3, 4, 4) True' in fault_and_cure(code, 'operator torchvision::nms does not exist')


def test_a_torchvision_that_fails_otherwise_fails_with_its_own_error():
    def broken():
        raise RuntimeError('something else')

    with pytest.raises(RuntimeError, match='something else'):
        compat.packages.torchvision_without_ops(broken)


CHECKPOINT = (
    'import numpy as np, torch\n'
    'from mmengine.logging import MessageHub\n'
    'hub = MessageHub.get_instance("job")\n'
    'for value in (0.5, 0.25):\n'
    '    hub.update_scalar("train/loss", value)\n'
    'hub.update_info("best", np.float64(0.75))\n'
)


def test_a_checkpoint_with_mmengines_log_loads_with_weights_only(fault_and_cure, without_us, tmp_path):
    path = tmp_path / 'checkpoint.pth'
    save = f'torch.save(dict(message_hub=hub.state_dict()), {str(path)!r})'
    assert not without_us.run_source(CHECKPOINT + save).returncode
    code = (
        'import torch\n'
        f'log = torch.load({str(path)!r}, weights_only=True)["message_hub"]\n'
        'from mmengine.logging import MessageHub\n'
        'hub = MessageHub.get_instance("other")\n'
        'hub.load_state_dict(log)\n'
        'print("mean", hub.get_scalar("train/loss").mean(), "best", float(hub.get_info("best")))\n'
    )
    assert 'mean 0.375 best 0.75' in fault_and_cure(code, 'Weights only load failed')


def test_a_checkpoint_with_a_one_cycle_schedule_loads_with_weights_only(fault_and_cure, without_us, tmp_path):
    path = str(tmp_path / 'schedule.pth')
    make = (
        'import torch\n'
        'from mmengine.optim import OneCycleLR\n'
        'optimizer = torch.optim.SGD(torch.nn.Linear(1, 1).parameters(), 0.1)\n'
        'schedule = OneCycleLR(optimizer, eta_max=0.1, total_steps=10)\n'
    )
    assert not without_us.run_source(make + f'torch.save(schedule.state_dict(), {path!r})').returncode
    code = make + f'schedule.load_state_dict(torch.load({path!r}, weights_only=True))\nprint(schedule.total_steps)'
    assert '10' in fault_and_cure(code, 'Weights only load failed')


class _Evil:
    def __init__(self, *what):
        self.what = what

    def __reduce__(self):
        return self.what


@pytest.mark.parametrize(
    'what', [(getattr, (torch.nn.Module, '__init__')), (eval, ('1 + 1',)), (print, ('hello',))], ids=str
)
def test_a_checkpoint_cannot_ask_for_anything_else(what, tmp_path):
    torch.save({'message_hub': _Evil(*what)}, tmp_path / 'evil.pth')
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / 'evil.pth', weights_only=True)


def test_our_scope_is_known_to_mmengines_configs(fault_and_cure):
    code = (
        'from mmengine.config import Config\n'
        'cfg = Config._get_cfg_path("mmdualkd::_base_/default_runtime.py", "")\n'
        'print(open(cfg[0]).name, cfg[1])\n'
    )
    assert 'default_runtime.py None' in fault_and_cure(code, 'mmengine does not support to load mmdualkd config')


@pytest.mark.parametrize(
    'name, version, command',
    [
        ('mmcv', '2.2.0', 'pip install "mmcv>=2.0.0rc4,<2.2.0"'),
        ('mmcv-lite', '1.7.0', 'pip install "mmcv-lite>=2.0.0rc4,<2.2.0"'),
        ('mmaction2', '1.1.0', 'pip install "mmaction2>=1.2.0,<1.3.0"'),
        ('mmengine', '0.9.0', 'pip install "mmengine>=0.10.4,<1.0.0"'),
        ('torch', '2.5.1+cu121', 'pip install "torch>=2.6,<3"'),
    ],
)
def test_a_version_that_does_not_fit_names_the_command_that_mends_it(name, version, command, monkeypatch):
    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, 'version', lambda asked: version if asked == name else real(asked))
    with pytest.raises(compat.versions.StackError) as error:
        compat.versions.check_versions()
    assert version in str(error.value) and str(error.value).endswith(f'run: {command}')


@pytest.mark.parametrize(
    'module, command',
    [('mmcv', 'pip install "mmcv-lite>=2.0.0rc4,<2.2.0"'), ('pkg_resources', 'pip install "setuptools<81"')],
)
def test_a_missing_package_names_the_command_that_mends_it(module, command):
    hide = (
        'import importlib.metadata, importlib.util\n'
        'find, version = importlib.util.find_spec, importlib.metadata.version\n'
        'def lacking(name):\n'
        f'    if name.startswith({module!r}): raise importlib.metadata.PackageNotFoundError(name)\n'
        '    return version(name)\n'
        f'importlib.util.find_spec = lambda name, *rest: None if name == {module!r} else find(name, *rest)\n'
        'importlib.metadata.version = lacking\n'
    )
    output = run_code(hide + CURE, ok=False)
    assert output.rstrip().endswith(f'run: {command}')
    assert 'StackError' in output


def test_importing_the_package_is_cheap():
    code = 'import sys\nprint([name for name in ("torch", "torchvision", "mmaction", "mmcv") if name in sys.modules])\n'
    assert run_code(CURE + code).rstrip().endswith('[]')


def test_a_second_call_changes_nothing():
    finders = list(sys.meta_path)
    compat.apply()
    assert sys.meta_path == finders


def test_a_reloaded_module_puts_no_second_hook_in_place():
    code = (
        'import importlib, sys\n'
        'importlib.reload(mmdualkd.compat).apply()\n'
        'print(sum("ImportHook" in type(finder).__name__ for finder in sys.meta_path), "hook")\n'
        'import mmengine.dist.utils\n'
        'print("imported")\n'
    )
    output = run_code(CURE + code)
    assert '1 hook' in output and 'imported' in output


def test_hues_below_zero_can_be_drawn(fault_and_cure):
    code = """
import sys, types
sys.modules['mmaction.models.localizers.drn'] = types.ModuleType('drn')
sys.modules['mmaction.models.localizers.drn.drn'] = types.SimpleNamespace(DRN=None)
import colorsys
import numpy as np
from mmaction.datasets.transforms.processing import ColorJitter
red = np.full((1, 1, 3), (200, 0, 0), np.float32)
turned = ColorJitter.adjust_hue(red, -30 / 255)[0, 0] / 255  # by 30 of 180 steps, a sixth of the circle
assert abs(colorsys.rgb_to_hsv(*turned)[0] - 5 / 6) < 0.01
"""
    fault_and_cure(code, 'out of bounds for uint8')


def test_hues_of_pictures_below_zero_can_be_drawn(fault_and_cure):
    code = """
import colorsys
import mmcv
import numpy as np
red = np.full((2, 3, 3), (0, 0, 200), np.uint8)
for adjust in (mmcv.adjust_hue, mmcv.image.photometric.adjust_hue):
    for backend in ('pillow', 'cv2', None):  # the first is MMPretrain's
        for hue in (-0.25, 0.25):
            blue, green, red_now = adjust(red, hue, backend=backend)[0, 0] / 255
            turned = colorsys.rgb_to_hsv(red_now, green, blue)[0]
            assert abs(turned - hue % 1) < 0.01, (backend, hue, turned)
        assert adjust(red, -0.25, backend=backend).dtype == np.uint8
"""
    fault_and_cure(code, 'out of bounds for uint8')
