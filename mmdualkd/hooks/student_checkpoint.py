"""A student checkpoint beside every checkpoint that training saves."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import Runner

from ..checkpoint import save_student
from ..registry import HOOKS

PREFIX = 'student_'


@HOOKS.register_module()
class StudentCheckpointHook(Hook):
    """Writes ``student_<name>.pth`` beside each ``<name>.pth`` of a distiller, and removes it with it.

    The file holds a plain model's weights that mmaction2 or mmpretrain loads strictly (with EMA: the averaged ones, as
    in the checkpoint itself). Checkpoints of plain models are left alone.
    """

    priority = 'LOWEST'  # after CheckpointHook

    def __init__(self) -> None:
        self._pending = True  # an earlier run may have been stopped between its two files

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        self._pending = any(key.startswith('student.') for key in checkpoint['state_dict'])

    def after_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        self._write(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        self._write(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self._write(runner)

    def _write(self, runner: Runner) -> None:
        if not self._pending or not is_main_process():
            return
        self._pending = False
        savers = [hook for hook in runner.hooks if isinstance(hook, CheckpointHook)]
        for folder in {Path(saver.out_dir) for saver in savers}:
            files = {path.name: path for path in folder.glob('*.pth')}
            training = {name: path for name, path in files.items() if not name.startswith(PREFIX)}
            for name, path in training.items():
                beside = folder / f'{PREFIX}{name}'
                if not beside.exists() or beside.stat().st_mtime_ns < path.stat().st_mtime_ns:
                    save_student(path, beside)
            for name, path in files.items():
                if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in training:
                    path.unlink()
