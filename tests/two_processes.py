"""Functions run in two processes of one job: over NCCL where there are two GPUs, over gloo on the CPU elsewhere."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from helpers import free_port
from torch import multiprocessing


def device_of(rank: int) -> torch.device:
    """Where a process computes."""
    return torch.device('cuda', rank) if torch.cuda.device_count() >= 2 else torch.device('cpu')


def run_two(function: Callable[..., Any], folder: Path, *args: Any) -> list[Any]:
    """Runs ``function(rank, *args)`` in two processes.

    Forks of this one where there is no GPU, for it has imported everything already; a GPU does not survive a fork.

    Args:
        function: One that a new process can import.
        folder: Where the results lie in between.
        *args: Its arguments.

    Returns:
        What each of the two gave.
    """
    context = multiprocessing.get_context('spawn' if torch.cuda.is_available() else 'fork')
    port = free_port()
    processes = [context.Process(target=_run, args=(rank, port, function, str(folder), args)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(240)
        process.kill()  # nothing if it has ended
    assert [process.exitcode for process in processes] == [0, 0]
    return [pickle.loads((Path(folder) / f'result{rank}.pkl').read_bytes()) for rank in range(2)]


def _run(rank: int, port: str, function: Callable[..., Any], folder: str, args: tuple) -> None:
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=port)
    backend = 'gloo'
    if device_of(rank).type == 'cuda':
        torch.cuda.set_device(rank)
        backend = 'nccl'
    elif torch.cuda.is_available():  # one GPU is not enough for two
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    dist.init_process_group(backend)
    result = function(rank, *args)
    (Path(folder) / f'result{rank}.pkl').write_bytes(pickle.dumps(result))
    dist.barrier()
    os._exit(0)  # what holds the group may outlive Python, which ends in an abort
