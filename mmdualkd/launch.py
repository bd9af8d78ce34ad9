"""What the tools share: their common flags, the config with these merged in, and the runner."""

import argparse
import difflib
import logging
import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import MMLogger, print_log

from .console.handlers import plainly
from .endings import run_tool  # noqa: F401  (the tools have it from here)
from .errors import ConfigError
from .files import check_folder, open_whole
from .fragments import merge_options, take_terms
from .reading import check_file, read_file, with_names
from .setting_values import lost_hooks
from .settings import check_settings
from .top_keys import settle
from .unread import check_read
from .zoo.catalogue import short_names
from .zoo.names import find_model, nearest_config

STAMP = '%Y%m%d_%H%M%S'  # what MMEngine calls a session's folder by


def load_config(args: argparse.Namespace) -> Config:
    """The config file with launcher, work directory and ``--cfg-options`` merged in, its keys checked.

    Args:
        args: Parsed arguments with ``config`` and those of :func:`~mmdualkd.arguments.add_launch_arguments`.

    Raises:
        ConfigError: If there is no such file (names the nearest one), it cannot be read, a key is misspelt, the work
            directory has no name, or the launcher that the flag names has not started this process.
    """
    path = find_config(args.config)
    check_launcher(args.launcher)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(path)
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = os.path.join('work_dirs', Path(path).stem)
    if args.cfg_options is not None:
        merge_options(cfg, args.cfg_options)
    if not isinstance(cfg.model, dict):
        raise ConfigError(f'model must be a dict, got {cfg.model!r}')
    if not isinstance(cfg.work_dir, str) or not cfg.work_dir:
        raise ConfigError(f'work_dir={cfg.work_dir!r} names no folder')
    cfg.work_dir = os.path.expanduser(cfg.work_dir)  # MMEngine would make a folder called ~
    check_settings(cfg)
    check_read(cfg, path, args.cfg_options or {})
    if lost := lost_hooks(cfg):
        names = ', '.join(f'mmdualkd.{name}' for name in lost)
        message = f"custom_hooks stands in place of the base config's, without {names}; to keep them, add them"
        print_log(message, logger='current', level=logging.WARNING)
    settle(cfg, path)
    return cfg


def find_config(name: str) -> str:
    """The file of a config: the path of one, or a config of a zoo (``package::path.py``).

    Raises:
        ConfigError: If there is none; names the nearest one, or what to do with the short name of a model.
    """
    if '::' in name:
        return str(find_model(name, 'config'))
    near = difflib.get_close_matches(name, short_names(), n=1, cutoff=0.8)
    if near and not Path(name).exists():
        what = f'a model{"" if near[0] == name else f" (nearly: {near[0]!r})"}, not the config of a training'
        raise ConfigError(
            f'config={name!r} is {what}: give a file, or one of a zoo (package::path.py); `mmdualkd distill DATA '
            f'--student {near[0]} --teachers ... --out RUN --dry-run` writes configs for your own data, and checks them'
        )
    check_file('config', name, nearest_config)
    return name


def read_config(path: str) -> Config:
    """Reads the config file of a training, see :func:`read_file`, its terms in the model, its types by their names.

    See :func:`take_terms` and :func:`with_names`. One without a ``model`` is an error too.
    """
    cfg = read_file('config', path)
    with_names(cfg._cfg_dict)
    if not isinstance(cfg.get('model'), dict):
        raise ConfigError(f'config={path!r} has no `model`')
    take_terms(cfg, path)
    return cfg


def check_distillation(cfg: Config) -> None:
    """Raises a :class:`ConfigError` if a config distils nothing."""
    if not {'student', 'teachers'} <= set(cfg.model):
        raise ConfigError(
            f'model.type={cfg.model.get("type")!r} has no student and teachers: give the config of a distillation'
        )


def build_runner(cfg: Config, testing: bool = False):
    """The MMEngine runner of a config; its own kind where the config has a ``runner_type``.

    Args:
        cfg: The config.
        testing: Leaves the config in the work directory as it is, for it is the training's.

    Raises:
        ConfigError: If the work directory or the checkpoints' cannot be written, the work directory holds a config of
            the user's own where MMEngine would write its dump, there is no such runner, or see :func:`check_splits`.
    """
    check_splits(cfg, testing)
    check_folder('work_dir', cfg.work_dir)
    kind = runner_type(cfg)
    if testing:
        return _checking(kind, dumps=False).from_cfg(cfg)
    saver = (cfg.get('default_hooks') or {}).get('checkpoint')
    out_dir = saver.get('out_dir') if isinstance(saver, dict) else None
    if out_dir and '://' not in str(out_dir):
        folder = Path(out_dir, Path(cfg.work_dir).absolute().name)  # as CheckpointHook names it
        check_folder('default_hooks.checkpoint.out_dir', folder)
    name = os.path.basename(cfg.filename or '')
    if name and not _is_dump(Path(cfg.work_dir, name)):
        raise ConfigError(
            f'work_dir={cfg.work_dir!r} holds a config of your own, {name}, where training would write its copy of '
            'the whole config: name another folder'
        )
    return _checking(kind).from_cfg(cfg)


def check_splits(cfg: Config, testing: bool) -> None:
    """Refuses a config with a part of a validation or test, one without a test to test, and float16 on the CPU."""
    for split in ('val', 'test'):
        keys = [f'{split}_{part}' for part in ('dataloader', 'cfg', 'evaluator')]
        absent = [key for key in keys if cfg.get(key) is None]
        if 0 < len(absent) < len(keys) or (absent and testing and split == 'test'):
            raise ConfigError(f'{", ".join(absent)} not set: {", ".join(keys)} go together')
    dtype = (cfg.get('optim_wrapper') or {}).get('dtype')
    if not testing and str(dtype) in ('float16', 'torch.float16') and get_device() == 'cpu':
        raise ConfigError(f'optim_wrapper.dtype={str(dtype)!r} needs a GPU, on the CPU autocast has bfloat16')


def runner_type(cfg: Config) -> type:
    """The kind of runner that a config asks for: MMEngine's own, or its ``runner_type``."""
    from mmaction.registry import RUNNERS
    from mmengine.runner import Runner

    kind = cfg.get('runner_type', Runner)
    if isinstance(kind, str) and (kind := RUNNERS.get(cfg.runner_type)) is None:
        raise ConfigError(f'runner_type={cfg.runner_type!r} names no runner')
    if not issubclass(kind, Runner):  # MMEngine's FlexibleRunner writes a wrong epoch into checkpoints (save_best)
        raise ConfigError(
            f'runner_type={cfg.runner_type!r} is no subclass of Runner: with the strategies of {kind.__name__} (FSDP, '
            'DeepSpeed) nothing here is tested, and a training that is resumed would leave out an epoch; leave it out, '
            'and start several processes by tools/dist_train.sh'
        )
    return kind


def _checking(kind: type, dumps: bool = True) -> type:
    """A kind of runner that looks at its batches, and writes its config when it has loaded what it starts from.

    One that is refused leaves the config that the work directory's training is resumed with. Its console has the lines
    of :class:`~mmdualkd.console.progress.ConsoleHook`, its log file MMEngine's. One that is resumed at its end is
    validated, see :class:`~mmdualkd.hooks.last_validation.LastValidationHook`. Where ``auto_scale_lr`` is enabled,
    learning rates are scaled as :mod:`~mmdualkd.learning_rate` has it.
    """
    from .console.progress import ConsoleHook, TellingLogProcessor
    from .hooks.last_validation import LastValidationHook
    from .hooks.preflight import check_batches
    from .learning_rate import scale

    class Checking(kind):
        def setup_env(self, env_cfg: dict) -> None:
            super().setup_env(env_cfg)
            self._timestamp = _behind_others(self._timestamp, self._work_dir)

        def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
            return plainly(super().build_logger(*args, **kwargs))

        def build_log_processor(self, *args: Any, **kwargs: Any) -> TellingLogProcessor:
            self.console = ConsoleHook()
            return TellingLogProcessor(super().build_log_processor(*args, **kwargs), self.console)

        def register_hooks(self, *args: Any, **kwargs: Any) -> None:
            super().register_hooks(*args, **kwargs)
            self.register_hook(self.console)
            self.register_hook(LastValidationHook())

        def build_train_loop(self, loop: dict) -> object:
            built = super().build_train_loop(loop)
            check_batches(built.dataloader)  # before schedules divide by their number
            return built

        def scale_lr(self, optim_wrapper: object, auto_scale_lr: dict | None = None) -> None:
            if auto_scale_lr and auto_scale_lr.get('enable'):
                scale(self, optim_wrapper)

        def dump_config(self) -> None:
            pass

        def load_or_resume(self) -> None:
            super().load_or_resume()
            if dumps and is_main_process():  # whole, or the next command would take it for the user's own
                name = os.path.basename(self.cfg.filename or f'{self.timestamp}.py')
                with open_whole(Path(self.work_dir, name), 'wb') as file:
                    file.write(self.cfg.dump().encode())

    Checking.__name__ = kind.__name__
    return Checking


def _behind_others(stamp: str, work_dir: str) -> str:
    """A session's time, or a second behind the last of the other sessions in a work directory.

    Logs are read in the order of these names, which a clock that is set back or another time zone would turn round.
    """
    told = [stamp]
    if is_main_process():
        others = [time for name in os.listdir(work_dir) if (time := _time_of(name)) is not None]
        told = [max([stamp, *((time + timedelta(seconds=1)).strftime(STAMP) for time in others)])]
    broadcast_object_list(told)
    return told[0]


def _time_of(name: str) -> datetime | None:
    try:
        return datetime.strptime(name, STAMP)
    except ValueError:
        return None


def _is_dump(path: Path) -> bool:
    """Whether a config file is a dump of MMEngine's, or none: it has the launcher in it, and no base or comment.

    MMEngine's own tools leave an empty one where the disk is full.
    """
    text = path.read_text(errors='replace') if path.is_file() else ''
    if not text.strip():
        return True
    return bool(re.search(r'^[\s"]*launcher\b', text, re.M)) and not re.search(r'^\s*(_base_|#)', text, re.M)


def check_launcher(launcher: str) -> None:
    """Refuses a launcher that has not started this process: it would have set these variables."""
    wanted = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_LOCAL_RANK').get(launcher)
    if wanted and wanted not in os.environ:
        how = dict(
            pytorch='bash tools/dist_train.sh (dist_test.sh), or torchrun', slurm='tools/slurm_train.sh, or srun'
        )
        raise ConfigError(
            f'--launcher={launcher}, but {wanted} is not set: start the processes by {how.get(launcher, "mpirun")}; '
            'for one process leave the flag out'
        )
