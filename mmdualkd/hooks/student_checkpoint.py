"""A student checkpoint beside every checkpoint that training saves."""

import functools
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ..checkpoint import STUDENT_PREFIX, save_student, student_checkpoint, write_checkpoint
from ..errors import CheckpointError
from ..files import remove_parts
from ..registry import HOOKS

PREFIX = 'student_'


@HOOKS.register_module()
class StudentCheckpointHook(Hook):
    """Writes ``student_<name>.pth`` beside each ``<name>.pth`` of a distiller, and removes it with it.

    The file holds a plain model's weights that mmaction2 or mmpretrain loads strictly (with EMA: the averaged ones, as
    in the checkpoint itself). Checkpoints of plain models are left alone, and so is every file that this run did not
    save. What ``CheckpointHook`` wants removed (``max_keep_ckpts``, a best one that is surpassed) goes only when what
    takes its place is written and ``last_checkpoint`` names it: a kill or a full disk never leaves less than there was.
    """

    priority = 'LOWEST'  # after CheckpointHook; and after EMAHook has put the averaged weights in the checkpoint

    def __init__(self) -> None:
        self._student: dict | None = None  # of the checkpoint that is being saved
        self._removals: list[_Removals] = []

    def before_train(self, runner: Runner) -> None:
        runner.save_checkpoint = functools.partial(self._save, runner.save_checkpoint)  # which knows the file's name
        for saver in [hook for hook in runner.hooks if isinstance(hook, CheckpointHook)]:
            saver.file_backend = _Removals(saver)
            self._removals.append(saver.file_backend)
            if is_main_process() and Path(saver.out_dir).is_dir():
                remove_parts(saver.out_dir)
                _catch_up(saver, runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        distilled = any(key.startswith(STUDENT_PREFIX) for key in checkpoint['state_dict'])
        self._student = student_checkpoint(checkpoint) if distilled else None

    def _save(self, save: Callable[..., None], out_dir: str, filename: str, *args: Any, **kwargs: Any) -> None:
        save(out_dir, filename, *args, **kwargs)
        student, self._student = self._student, None
        if student is not None and '://' not in str(out_dir):
            write_checkpoint(student, Path(out_dir) / f'{PREFIX}{filename}')

    def after_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        self._remove()

    def after_train_epoch(self, runner: Runner) -> None:
        self._remove()

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self._remove()

    def _remove(self) -> None:
        for removals in self._removals:
            removals.carry_out()


class _Removals:
    """``CheckpointHook``'s file backend, which removes only when it is told that all is saved, and students too."""

    def __init__(self, saver: CheckpointHook) -> None:
        self._saver, self._backend = saver, saver.file_backend
        self._paths: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def remove(self, path: str) -> None:
        self._paths.append(path)

    rmtree = remove

    def isfile(self, path: str) -> bool:
        return self._is_here(path) and self._backend.isfile(path)

    def isdir(self, path: str) -> bool:
        return self._is_here(path) and self._backend.isdir(path)

    def _is_here(self, path: str) -> bool:
        """Whether it may be removed: of a run that is resumed into another folder, the best one stays."""
        return os.path.realpath(os.path.dirname(path)) == os.path.realpath(self._saver.out_dir)

    def carry_out(self) -> None:
        paths, self._paths = self._paths, []
        for path in paths:
            if path in _files_of(self._saver):  # saved again under its name
                continue
            if self._backend.isdir(path):
                self._backend.rmtree(path)
                continue
            folder, name = os.path.split(path)
            for file in (path, self._backend.join_path(folder, f'{PREFIX}{name}')):
                if self._backend.isfile(file):
                    self._backend.remove(file)


def _files_of(saver: CheckpointHook) -> list[str]:
    """The newest and the best checkpoints that a ``CheckpointHook`` saved."""
    best = [getattr(saver, 'best_ckpt_path', None), *getattr(saver, 'best_ckpt_path_dict', {}).values()]
    return [str(path) for path in (saver.last_ckpt, *best) if path]


def _catch_up(saver: CheckpointHook, runner: Runner) -> None:
    """Writes the students that an earlier run, stopped between its two files, did not write."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    if not any(name.startswith(STUDENT_PREFIX) for name in model.state_dict()):
        return
    infos = runner.message_hub.runtime_info
    for name in {Path(str(info)).name for key, info in infos.items() if key.startswith(('last_ckpt', 'best_ckpt'))}:
        path, beside = Path(saver.out_dir) / name, Path(saver.out_dir) / f'{PREFIX}{name}'
        if path.is_file() and not beside.exists():
            try:
                save_student(path, beside)
            except CheckpointError as error:
                print_log(f'{beside} is not written: {error}', logger='current', level=logging.WARNING)
