"""The cure of MMEngine's SyncBuffersHook; how cures are tested see test_compat.py."""

from types import SimpleNamespace

from mmengine.hooks import CheckpointHook, SyncBuffersHook
from torch import nn
from two_processes import device_of, run_two


def means(rank, by_epoch):
    """A process's running mean after each of five iterations, before which it is the process's number."""
    norm = nn.BatchNorm1d(1).to(device_of(rank))
    hooks = [SyncBuffersHook(), CheckpointHook(interval=2, by_epoch=by_epoch)]
    found = []
    for iteration in range(5):
        norm.running_mean.fill_(rank)
        runner = SimpleNamespace(iter=iteration, max_iters=5, model=norm, hooks=hooks)
        hooks[0].after_train_iter(runner, iteration)
        found.append(norm.running_mean.item())
        assert hooks[0].called_in_train == (found[-1] == 0.5)  # else a validation averages them
    return found


def test_running_statistics_of_all_processes_are_averaged_before_a_checkpoint_of_an_iteration(tmp_path):
    assert run_two(means, tmp_path, False) == [[0, 0.5, 0, 0.5, 0.5], [1, 0.5, 1, 0.5, 0.5]]
    assert run_two(means, tmp_path, True) == [[0] * 5, [1] * 5]
