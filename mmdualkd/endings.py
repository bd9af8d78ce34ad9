"""How a tool ends: what ended it is the last that it prints, and stands alone."""

import errno
import gc
import multiprocessing
import os
import re
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from mmengine.logging import MessageHub
from torch.distributed.elastic.multiprocessing.errors import record

from .console.handlers import begin, only_in_the_file
from .errors import CheckpointError, ConfigError, DistillError, MemoryShortage
from .faults import config_of, explain
from .files import shown
from .printed import INTERRUPTED, printed
from .processes import end_with_parent, sigterm_as_interruption

COLLATE = 'collate_tensor_fn'  # what stacks tensors in torch's default_collate


@dataclass
class _Ending:
    """Last words, and the exit code."""

    words: str
    code: int = 1


def run_tool(main: Callable[[], object]) -> None:
    """Runs a tool; an error ends it with one line, its type and message, Ctrl-C and SIGTERM with how to go on.

    What this package cannot explain ends with its traceback, whose last line is the error. All tracebacks are in the
    log file, once there is one. The last words come when all that the tool had started (workers of data loaders, for
    one) has ended.

    Under torchrun they go where torchrun reads them: it is torchrun's report that ends the output then, and
    ``tools/dist_train.sh`` prints the error of the first process to fail alone.
    """
    begin()
    watched = 'TORCHELASTIC_ERROR_FILE' in os.environ
    if watched:
        end_with_parent()  # torchrun gives each process a session of its own, in which it would train on unseen
    with nullcontext() if watched else sigterm_as_interruption():  # a queue's; torchrun's own ends what it watches
        ending = _end_of(main, watched)
    if ending is None:
        if torch.distributed.is_initialized() and torch.distributed.get_backend() == 'nccl':
            torch.distributed.destroy_process_group()  # or it warns of it; for gloo compat.leave_process_group does
        return
    for worker in multiprocessing.active_children():  # or each is waited for, 5 seconds long, with batches in its hands
        worker.terminate()
    gc.collect()  # the error held the tool's variables; now they go, and what they started
    words = '' if watched else ending.words
    if not torch.distributed.is_initialized():
        if words and ending.code != 1:
            print(words, file=sys.stderr)
        raise SystemExit(words if words and ending.code == 1 else ending.code)
    if words:
        print(words, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ending.code)  # the group's threads may wait for what nobody will do, and would abort a process that ends


def _end_of(main: Callable[[], object], watched: bool) -> _Ending | None:
    """Runs a tool; gives how it ended if that was not well."""
    try:
        record(_explained)(main) if watched else _explained(main)
    except KeyboardInterrupt:
        return _Ending(_how_to_go_on(), INTERRUPTED)
    except DistillError as error:
        of_worker = error.args[0] if error.args else ''  # its own traceback is in there
        log = only_in_the_file(f'{traceback.format_exc()}\n{of_worker}')
        if error.of_others and log is None and not watched:
            traceback.print_exception(error.__cause__)
        where = f' (traceback: {shown(log)})' if error.of_others and log else ''
        return _Ending(f'{type(error).__name__}: {error}{where}')
    except Exception:
        trace = traceback.format_exc()
        only_in_the_file(trace)
        return _Ending(trace.rstrip())
    return None


def _explained(main: Callable[[], object]) -> None:
    """Runs a tool; what others raise is told as an error of ours where it is known what it means."""
    try:
        with printed():
            main()
    except DistillError:
        raise
    except Exception as error:
        better = _shortage(error) or _no_room(error) or _uneven(error)
        if better is None and (line := explain(error)):  # of what others raised while they built a part of the config
            better = ConfigError(line)
        if better is None:
            raise
        better.of_others = True
        raise better from error


def _no_room(error: Exception) -> CheckpointError | None:
    """A disk that is full while something other than a checkpoint is written, such as a line of scalars.json."""
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return None
    where = f' of {error.filename!r}' if error.filename else ''
    return CheckpointError(
        f'the disk{where} is full ({error.strerror}): make room there; what was saved stays as it is'
    )


def _uneven(error: Exception) -> ConfigError | None:
    """Samples of several sizes that a ``default_collate`` could not stack, here or in a worker."""
    sizes = re.search(
        r'expects each tensor to be equal size, but got (\[.*?]) at entry \d+ and (\[.*?]) at', str(error)
    )
    here = any(frame.f_code.co_name == COLLATE for frame, _ in traceback.walk_tb(error.__traceback__))
    if not sizes or not (here or COLLATE in str(error)):
        return None
    split = MessageHub.get_current_instance().get_info('loop_stage') or 'train'
    return ConfigError(
        f'the pipeline of {split}_dataloader hands on samples of several sizes, {sizes[1]} and {sizes[2]}: let it crop '
        'or resize all of them to one'
    )


def _shortage(error: Exception) -> MemoryShortage | None:
    """Memory that was not there, of the device, the machine or its workers."""
    text = ' '.join(str(error).split())
    split = MessageHub.get_current_instance().get_info('loop_stage') or 'train'
    loader = config_of(error).get(f'{split}_dataloader') or {}
    size, workers = (f'{split}_dataloader.{name} (now {loader.get(name)})' for name in ('batch_size', 'num_workers'))
    save = f'lower {size}'
    if split == 'train':
        save += ", train with --amp, or set with_cp=True in the student's backbone"
    if isinstance(error, torch.OutOfMemoryError):
        asked = re.search(r'Tried to allocate ([\d.]+ \w+)', text)
        whole = re.search(r'total capacity of ([\d.]+ \w+)', text)
        device = f'the GPU of {whole[1]}' if whole else 'the GPU'
        return MemoryShortage(f'{device} has no {asked[1] if asked else "memory"} left: {save}')
    if isinstance(error, MemoryError) or 'DefaultCPUAllocator' in text:
        return MemoryShortage(f'the machine has not enough memory ({text[:120]}): {save}')
    killed = re.search(r'DataLoader worker .*killed by signal: (Killed|Bus error)', text)
    if killed:
        shared = ', or give the container more shared memory (--shm-size)' if killed[1] == 'Bus error' else ''
        return MemoryShortage(f'a data worker was killed for want of memory: lower {workers} or {size}{shared}')
    return None


def _how_to_go_on() -> str:
    """What an interruption ends with."""
    hub = MessageHub.get_current_instance()
    if hub.get_info('loop_stage') is None:
        return 'Interrupted'
    last = hub.get_info('last_ckpt')
    kept = f'the same command with --resume goes on from {shown(last)}' if last else 'no checkpoint had been saved'
    return f'Interrupted in iteration {hub.get_info("iter", 0) + 1}; {kept}'
