"""Cures of how a training runs: the fault in a process without mmdualkd, and the same code in another that has it."""

from contextlib import nullcontext

import pytest
import torch
from helpers import run

from mmdualkd import compat

CURE = 'import mmdualkd\n'

DISTRIBUTED = (
    'import os, torch\n'
    'os.environ.update(RANK="0", LOCAL_RANK="0", WORLD_SIZE="1", MASTER_ADDR="127.0.0.1", MASTER_PORT="0")\n'
)
needs_cpu = pytest.mark.skipif(torch.cuda.is_available(), reason='the fault is one of machines without a GPU')


@needs_cpu
def test_processes_without_a_gpu_meet_over_gloo(fault_and_cure, without_us):
    code = (
        DISTRIBUTED + 'from mmengine.dist import init_dist\n'
        'init_dist("pytorch", backend="nccl")\n'
        'print(torch.distributed.get_backend())\n'
        'torch.distributed.destroy_process_group()\n'
    )
    assert 'gloo' in fault_and_cure(code, '_cuda_setDevice')
    # MMAction2's own tools import mmengine first, so the cure must also reach references that others hold
    assert 'gloo' in without_us.run_source('from mmengine.dist import init_dist\n' + CURE + code).stdout


FOUR_FORKS = """
import gc, os, socket, sys
if 'cured' in sys.argv:
    import mmdualkd
import torch, torch.distributed as dist
from mmengine.dist import init_dist
gc.freeze()  # a collection at the end of each fork would copy all of it
for _ in range(3):
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(sock.getsockname()[1]), WORLD_SIZE='4')
    forks = []
    for rank in range(4):
        forks.append(os.fork())
        if not forks[-1]:
            os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank))
            init_dist('pytorch') if 'cured' in sys.argv else dist.init_process_group('gloo')
            rows = [torch.empty(9) for _ in range(4)]
            for _ in range(9):
                dist.all_gather(rows, torch.nn.Parameter(torch.ones(9)).data)
            sys.exit()
    assert not any([os.waitpid(fork, 0)[1] for fork in forks])
"""


@needs_cpu
def test_processes_that_met_over_gloo_end_without_an_abort(tmp_path):
    script = tmp_path / 'collect.py'
    script.write_text(FOUR_FORKS)
    run(script, 'cured')
    try:
        run(script)
    except AssertionError as error:
        assert 'terminate called' in str(error), 'another fault than the one this cure is for'
    else:
        pytest.skip('the installed torch did not have this fault this time')


@needs_cpu
def test_a_process_that_ends_with_an_error_does_not_wait_for_the_others(monkeypatch):
    monkeypatch.setattr('sys.last_value', RuntimeError(), raising=False)
    monkeypatch.setattr(torch.distributed, 'is_initialized', lambda: True)
    monkeypatch.setattr(torch.distributed, 'destroy_process_group', lambda: pytest.fail('it waits'))
    compat.training.leave_process_group()


@needs_cpu
def test_a_runner_wraps_a_model_on_the_cpu_for_several_processes(fault_and_cure):
    code = (
        DISTRIBUTED + 'torch.distributed.init_process_group("gloo")\n'
        'from mmengine.model import MMDistributedDataParallel\n'
        'model = MMDistributedDataParallel(module=torch.nn.Linear(2, 1), device_ids=[0], broadcast_buffers=False)\n'
        'model(torch.ones(3, 2)).sum().backward()\n'
        'print(model.module.weight.grad.tolist())\n'
        'torch.distributed.destroy_process_group()\n'
    )
    assert '[[3.0, 3.0]]' in fault_and_cure(code, 'DistributedDataParallel device_ids')


@needs_cpu
def test_mixed_precision_trains_without_a_gpu(fault_and_cure):
    code = (
        'import torch\n'
        'from mmengine.optim import AmpOptimWrapper\n'
        'model = torch.nn.Linear(2, 2)\n'
        'wrapper = AmpOptimWrapper(optimizer=torch.optim.SGD(model.parameters(), 0.1))\n'
        'with wrapper.optim_context(model):\n'
        '    out = model(torch.ones(1, 2))\n'
        'wrapper.update_params(out.float().sum())\n'
        'print(out.dtype)\n'
    )
    assert 'bfloat16' in fault_and_cure(code, 'is only available training')


@needs_cpu
def test_amp_on_a_cpu_gives_3d_convolutions_the_gradients_of_float32():
    """oneDNN's in bfloat16 are of memory that nobody wrote where two frames lie under a kernel of 3 (torch 2.13)."""
    from mmengine.optim import AmpOptimWrapper

    conv = torch.nn.Conv3d(8, 16, 3, padding=1)
    wrapper = AmpOptimWrapper(dtype='bfloat16', optimizer=torch.optim.SGD(conv.parameters(), lr=0.1))
    clips, found = torch.randn(2, 8, 2, 3, 3), []
    for context in (nullcontext(), wrapper.optim_context(conv)):
        with context:
            conv(clips).square().sum().backward()
        found.append(conv.weight.grad)
        conv.weight.grad = None
    torch.testing.assert_close(*found)


def test_a_plain_recognizer_trains_in_bfloat16():
    from mmaction.models import TSNHead
    from mmaction.structures import ActionDataSample

    head = TSNHead(num_classes=3, in_channels=4)
    samples = [ActionDataSample().set_gt_label(label) for label in (0, 1)]
    scores = torch.randn(2, 3, dtype=torch.bfloat16)
    found = head.loss_by_feat(scores, samples)
    expected = torch.nn.functional.cross_entropy(scores.float(), torch.tensor([0, 1]))
    torch.testing.assert_close(found['loss_cls'], expected)
    assert found['top1_acc'] == (scores.float().argmax(1) == torch.tensor([0, 1])).double().mean()


@needs_cpu
def test_slurm_tasks_without_a_gpu_meet_over_gloo(fault_and_cure, tmp_path):
    scontrol = tmp_path / 'scontrol'
    scontrol.write_text('#!/bin/sh\necho 127.0.0.1\n')
    scontrol.chmod(0o755)
    code = (
        'import os, torch\n'
        f'os.environ["PATH"] = {str(tmp_path)!r} + ":" + os.environ["PATH"]\n'
        'os.environ.update(SLURM_PROCID="0", SLURM_NTASKS="1", SLURM_NODELIST="n", SLURM_LOCALID="0")\n'
        'os.environ["MASTER_PORT"] = "0"\n'
        'from mmengine.dist import init_dist\n'
        'init_dist("slurm", backend="nccl")\n'
        'print(torch.distributed.get_backend(), os.environ["MASTER_ADDR"])\n'
        'torch.distributed.destroy_process_group()\n'
    )
    assert 'gloo 127.0.0.1' in fault_and_cure(code, '_cuda_setDevice')


def test_averaged_weights_are_saved_with_the_running_statistics_that_are_validated(fault_and_cure):
    code = (
        'from types import SimpleNamespace\n'
        'import torch\n'
        'from mmengine.hooks import EMAHook\n'
        'model, hook = torch.nn.BatchNorm1d(2), EMAHook(momentum=0.5)\n'
        'runner = SimpleNamespace(model=model, iter=0)\n'
        'hook.before_run(runner)\n'
        'for weight in (1.0, 3.0):\n'
        '    model.weight.data.fill_(weight)\n'
        '    hook.after_train_iter(runner, 0)\n'
        'model.running_mean.fill_(5.0)  # as SyncBuffersHook does after an epoch\n'
        'checkpoint = dict(state_dict=model.state_dict())\n'
        'hook.before_save_checkpoint(runner, checkpoint)\n'
        'saved = checkpoint["state_dict"]\n'
        'assert saved["weight"].tolist() == [2, 2]\n'
        'assert saved["running_mean"].tolist() == [5, 5], "the first process alone"\n'
        'assert checkpoint["ema_state_dict"]["module.weight"].tolist() == [3, 3]\n'
    )
    fault_and_cure(code, 'AssertionError: the first process alone')


def test_a_config_is_written_in_its_order(fault_and_cure):
    code = (
        'from mmengine.config import Config\n'
        'text = Config(dict(teachers=dict(vit=dict(b=1, a=2), cnn=1), model=3)).pretty_text\n'
        'assert list(map(text.index, ("vit", "b=", "a=", "cnn", "model"))) == sorted('
        'map(text.index, ("vit", "b=", "a=", "cnn", "model"))), "sorted"\n'
        'print(text)\n'
    )
    assert 'vit' in fault_and_cure(code, 'AssertionError: sorted')


def test_a_config_is_laid_out_once_for_all_checkpoints_and_anew_when_it_changes(fault_and_cure):
    code = (
        'from unittest import mock\n'
        'from mmengine.config import Config\n'
        'from yapf.yapflib import yapf_api\n'
        'cfg = Config(dict(model=dict(type="A", depth=18), lr=0.1))\n'
        'with mock.patch.object(yapf_api, "FormatTree", wraps=yapf_api.FormatTree) as layout:\n'
        '    texts = [cfg.pretty_text for _ in range(3)]\n'
        '    assert layout.call_count == 1, f"laid out {layout.call_count} times"\n'
        '    cfg.model.depth = 50\n'
        '    assert "depth=50" in cfg.pretty_text\n'
        'print(len(set(texts)), "depth=18" in texts[2])\n'
    )
    assert '1 True' in fault_and_cure(code, 'laid out 3 times')
