"""Two processes of a thread and a batch each, against one process with one thread: how well training scales.

Two processes that never talk are measured beside them: what these lose is the machine's, not ours.
"""

import os
from multiprocessing.connection import Connection
from tempfile import TemporaryDirectory

import mmdualkd  # noqa: F401  (first: it mends the stack; a process that is started begins here)

# isort: split
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.model import MMDistributedDataParallel
from random_models import build_random, random_batch, training_step
from training_steps import Settings, config_of
from turns import Ratio, ratio, take_turns

ALONE, BESIDE, FIRST, SECOND = range(4)


def training_process(role: int, pipe: Connection, settings: Settings, folder: str) -> None:
    """Trains a step whenever the pipe asks for one, and says when it is done.

    Args:
        role: ``ALONE``, ``BESIDE`` it, or which of the two that train together.
        pipe: To the process that measures.
        settings: The benchmarks' settings.
        folder: Where the two find each other.
    """
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = build_random(config_of('x3d', settings), 'cpu')
    clips = random_batch(model, 8 if settings.quick else 1, 'cpu')
    data = dict(inputs=list(clips['inputs']), data_samples=clips['data_samples'])
    together = role in (FIRST, SECOND)
    if together:
        dist.init_process_group('gloo', init_method=f'file://{folder}/meeting', rank=role - FIRST, world_size=2)
        model = MMDistributedDataParallel(model, broadcast_buffers=False)
    step = training_step(model, data)
    while pipe.recv():
        step()
        pipe.send(True)
    if together:
        dist.destroy_process_group()


def scaling(settings: Settings) -> dict[str, Ratio]:
    """How much of twice the work two processes do in the time of one: 1 where nothing is lost."""
    name = 'two_processes_weak_scaling'
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    if cores < 2:
        return {name: Ratio(None, note='not measured: needs two cores')}
    context = mp.get_context('spawn')
    with TemporaryDirectory() as folder:
        pipes, processes = [], []
        for role in (ALONE, BESIDE, FIRST, SECOND):
            ours, theirs = context.Pipe()
            process = context.Process(target=training_process, args=(role, theirs, settings, folder), daemon=True)
            process.start()
            theirs.close()  # so that a process that ends is noticed
            pipes.append(ours)
            processes.append(process)

        def run(*roles: int) -> None:
            for role in roles:
                pipes[role].send(True)
            for role in roles:
                pipes[role].recv()

        parts = {
            'one': lambda: run(ALONE),
            'two': lambda: run(FIRST, SECOND),
            'two apart': lambda: run(ALONE, BESIDE),
        }
        seconds = take_turns(parts, 3 * settings.turns // 2, 'cpu')
        figure, apart = ratio(seconds, 'one', 'two'), ratio(seconds, 'one', 'two apart')
        ours = ratio(seconds, 'two', 'two apart')
        for pipe in pipes:
            pipe.send(False)
        for process in processes:
            process.join()
    figure.note = f'{cores} cores; two that never talk {apart.value:.3f} ({apart.low:.3f} to {apart.high:.3f})'
    figure.note += f', ours take {ours.value:.3f} times their time ({ours.low:.3f} to {ours.high:.3f})'
    return {name: figure}
