"""Trainings of a study, several at once; one that fails stops no other."""

import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

import torch

from ..errors import DistillError
from ..files import check_folder, open_whole
from ..processes import Tool, end_all, locked
from .logs import read_result
from .runs import DECISIVE, Run, seconds_in

TICK = 0.1  # seconds between two looks at what runs


class Training:
    """A training that has been begun, by tools/train.py; its output goes to ``train.log`` in the work directory.

    Args:
        run: Which one.
        threads: CPU threads.
        slot: Its number among those that run at the same time, from 0: which of several GPUs it has.

    Raises:
        ConfigError: If its work directory cannot be written, or another command trains there.
    """

    def __init__(self, run: Run, threads: int, slot: int) -> None:
        check_folder(f'{run}: work directory', run.work_dir)
        self.run, self.slot, self.begun, self.stack = run, slot, time.time(), ExitStack()
        lock = self.stack.enter_context(locked(run.work_dir, f'{run}: work directory'))
        with open_whole(run.work_dir / 'settings.json', 'w') as file:
            file.write(run.settings_text)
        with open_whole(run.work_dir / DECISIVE, 'w') as file:
            json.dump(run.decisive, file, indent=1)
        self.before = self._seconds_before()
        words = [run.file, '--work-dir', run.work_dir, '--seed', run.seed, '--resume', '--cfg-options']
        words += [f'{key}={value}' for key, value in run.options.items()]
        words += [f'model.teacher_cache={run.state.cache}'] if run.state.cache else []
        words += ['default_hooks.checkpoint.save_best=None', 'default_hooks.checkpoint.max_keep_ckpts=1']
        gpus = several_gpus()
        env = dict(CUDA_VISIBLE_DEVICES=gpus[slot % len(gpus)]) if gpus else {}
        self.tool = Tool('train', words, run.work_dir / 'train.log', threads, [lock], env)
        run.state.status, run.state.error = 'running', None

    def _seconds_before(self) -> float | None:
        """How long sessions took that this one goes on from; None if a kill kept that from being noted."""
        spent = self.run.work_dir / 'spent'
        known = seconds_in(spent) if spent.is_file() else None
        spent.unlink(missing_ok=True)
        return known if (self.run.work_dir / 'last_checkpoint').exists() else 0.0

    @property
    def seconds(self) -> float | None:
        """How long it has taken, sessions before it too, where that is known."""
        return None if self.before is None else round(self.before + time.time() - self.begun, 1)

    def close(self, stopped: bool = False) -> None:
        """Notes how it ended.

        Args:
            stopped: Whether it was ended before its time.
        """
        state, error, seconds = self.run.state, None, self.seconds
        if self.tool.code():
            error = self.tool.error
        else:
            try:
                state.result = read_result(str(self.run), self.run.work_dir, seconds)
            except DistillError as fault:
                error = str(fault)
        if error is None:
            with open_whole(self.run.work_dir / 'finished', 'w') as file:
                file.write('' if seconds is None else f'{seconds:.1f} s\n')
        elif seconds is not None:
            with open_whole(self.run.work_dir / 'spent', 'w') as file:
                file.write(f'{seconds:.1f}\n')
        stopped = stopped and error is not None
        state.status = 'waiting' if stopped else 'failed' if error else 'finished'
        state.error = None if stopped else error
        self.stack.close()


def several_gpus() -> list[str]:
    """What CUDA_VISIBLE_DEVICES calls the GPUs that trainings are spread over; none where there are not two."""
    if (count := torch.cuda.device_count()) < 2:
        return []
    return os.environ.get('CUDA_VISIBLE_DEVICES', ','.join(map(str, range(count)))).split(',')[:count]


def train_all(
    runs: Sequence[Run],
    jobs: int,
    threads: int,
    left: Callable[[dict[Run, float]], str],
    note: Callable[[], None],
) -> None:
    """Trains some at a time, and says how far it is and how long the rest takes.

    Args:
        runs: What is to be trained.
        jobs: How many at a time.
        threads: CPU threads of each.
        left: Gives how long the rest takes, of the times at which those that run were begun.
        note: Called whenever one begins or ends.
    """
    waiting, active, done = list(runs), [], 0
    try:
        while waiting or active:
            while waiting and len(active) < jobs:
                run = waiting.pop(0)
                slot = min(set(range(jobs)) - {one.slot for one in active})
                try:
                    active.append(Training(run, threads, slot))
                except DistillError as error:
                    run.state.status, run.state.error = 'failed', str(error)
                    done += 1
                    _tell(run, f'{done}/{len(runs)}', '')
                else:
                    note()
            ended = [one for one in active if one.tool.code() is not None]
            for one in ended:
                active.remove(one)
                one.close()
                done += 1
                note()
                _tell(one.run, f'{done}/{len(runs)}', left({other.run: other.begun for other in active}))
            if not ended:
                time.sleep(TICK)
    except BaseException:
        end_all([one.tool for one in active])
        with suppress(DistillError):  # of a full disk, say: what ended the trainings is told
            for one in active:
                one.close(stopped=True)
            note()
        print(f'stopped: {len(active)} trainings were ended; the same command goes on', flush=True)
        raise


def _tell(run: Run, number: str, left: str) -> None:
    """The line of a training that has ended."""
    if run.state.status == 'failed':
        print(f'[{number}] {run} failed: {run.state.error}', flush=True)
    else:
        print(f'[{number}] {run}: {run.top1:.1f} %{left and ", "}{left}', flush=True)
