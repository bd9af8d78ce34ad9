"""What the tools share: their common flags, the config with these merged in, and the runner."""

import argparse
import difflib
import os
import re
import traceback
from collections.abc import Callable
from pathlib import Path

from mmengine.config import Config, DictAction
from torch.distributed.elastic.multiprocessing.errors import record

from .class_count import apply_num_classes, meant_num_classes
from .errors import ConfigError, DistillError
from .files import check_folder
from .settings import check_settings


def add_launch_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that training and testing have in common (those of MMAction2's tools)."""
    parser.add_argument('--work-dir', help='where logs and checkpoints go; default: work_dirs/CONFIG_NAME')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='settings that override the config, as key=value; a list as key="[a,b]", nested: key="[(a,b),(c,d)]"',
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='job launcher')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help='set by some launchers')


def load_config(args: argparse.Namespace) -> Config:
    """The config file with launcher, work directory and ``--cfg-options`` merged in, its keys checked.

    Args:
        args: Parsed arguments with ``config`` and those of :func:`add_launch_arguments`.

    Raises:
        ConfigError: If there is no such file (names the nearest one), it cannot be read, a key is misspelt, the work
            directory has no name, or the launcher that the flag names has not started this process.
    """
    check_file('config', args.config)
    check_launcher(args.launcher)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(args.config)
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = os.path.join('work_dirs', Path(args.config).stem)
    if args.cfg_options is not None:
        try:
            cfg.merge_from_dict(args.cfg_options)
        except (TypeError, KeyError, AttributeError) as error:
            raise ConfigError(f'--cfg-options do not fit the config: {_one_line(error)}') from error
    if not isinstance(cfg.work_dir, str) or not cfg.work_dir:
        raise ConfigError(f'work_dir={cfg.work_dir!r} names no folder')
    check_settings(cfg)
    apply_num_classes(cfg, meant_num_classes(cfg, args.config))
    return cfg


def read_config(path: str) -> Config:
    """Reads a config file.

    Raises:
        ConfigError: In one line what is wrong, and in which file and line, be it a base.
    """
    try:
        cfg = Config.fromfile(path)
    except ImportError as error:
        first = error
        while first.__cause__ or first.__context__:
            first = first.__cause__ or first.__context__
        raise ConfigError(f'config={path!r} imports what is not found: {first}; is it on PYTHONPATH?') from error
    except Exception as error:
        at, line = path, error.__context__.lineno if isinstance(error.__context__, SyntaxError) else None
        for frame, number in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_name == '_file2dict':  # MMEngine reads a base inside the file that inherits it
                at = frame.f_locals.get('filename', at)
            elif frame.f_code.co_filename == at:
                line = number
        if isinstance(error, SyntaxError):
            line, error = line or error.lineno, SyntaxError(getattr(error.__context__ or error, 'msg', error))
        place = f'{os.path.relpath(at)}, line {line}' if line else os.path.relpath(at)
        raise ConfigError(f'config={path!r} cannot be read: {place}: {_one_line(error)}') from error
    if not isinstance(cfg.get('model'), dict):
        raise ConfigError(f'config={path!r} has no `model`')
    return cfg


def build_runner(cfg: Config, testing: bool = False):
    """The MMEngine runner of a config; its own kind where the config has a ``runner_type``.

    Args:
        cfg: The config.
        testing: Leaves the config in the work directory as it is, for it is the training's.

    Raises:
        ConfigError: If the work directory or the checkpoints' cannot be written, the work directory holds a config of
            the user's own where MMEngine would write its dump, or there is no such runner.
    """
    from mmaction.registry import RUNNERS
    from mmengine.runner import Runner

    check_folder(f'work_dir={cfg.work_dir!r}', cfg.work_dir)
    kind = cfg.get('runner_type', Runner)
    if isinstance(kind, str) and (kind := RUNNERS.get(cfg.runner_type)) is None:
        raise ConfigError(f'runner_type={cfg.runner_type!r} names no runner')
    if testing:
        return _with_late_dump(kind, never=True).from_cfg(cfg)
    saver = (cfg.get('default_hooks') or {}).get('checkpoint')
    out_dir = saver.get('out_dir') if isinstance(saver, dict) else None
    if out_dir and '://' not in str(out_dir):
        folder = Path(out_dir, Path(cfg.work_dir).absolute().name)  # as CheckpointHook names it
        check_folder(f'default_hooks.checkpoint.out_dir={out_dir!r}', folder)
    name = os.path.basename(cfg.filename or '')
    if name and not _is_dump(Path(cfg.work_dir, name)):
        raise ConfigError(
            f'work_dir={cfg.work_dir!r} holds a config of your own, {name}, where training would write its copy of '
            'the whole config: name another folder'
        )
    return _with_late_dump(kind).from_cfg(cfg)


def _with_late_dump(kind: type, never: bool = False) -> type:
    """A kind of runner that writes its config when it has loaded what it starts from, and not when it is built.

    One that is refused leaves the config that the work directory's training is resumed with.
    """

    class Late(kind):
        def dump_config(self) -> None:
            pass

        def load_or_resume(self) -> None:
            super().load_or_resume()
            if not never:
                super().dump_config()

    Late.__name__ = kind.__name__
    return Late


def _is_dump(path: Path) -> bool:
    """Whether a config file is a dump of MMEngine's, or none: it has the launcher in it, and no base or comment."""
    text = path.read_text(errors='replace') if path.is_file() else 'launcher'
    return bool(re.search(r'^[\s"]*launcher\b', text, re.M)) and not re.search(r'^\s*(_base_|#)', text, re.M)


def run_tool(main: Callable[[], object]) -> None:
    """Runs a tool; an error of this package ends it with one line, its type and message.

    Under torchrun the line goes where torchrun reads it: it is torchrun's report that ends the output then, and
    ``tools/dist_train.sh`` prints the line alone.
    """
    watched = 'TORCHELASTIC_ERROR_FILE' in os.environ
    try:
        record(main)() if watched else main()
    except DistillError as error:
        raise SystemExit(1 if watched else f'{type(error).__name__}: {error}') from error


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


def _one_line(error: Exception) -> str:
    """An error's type and message in one line."""
    return f'{type(error).__name__}: {" ".join(str(error).split())}'


def check_file(key: str, path: str) -> None:
    """Raises a :class:`ConfigError` that names the nearest file if ``path`` is neither a file nor an address.

    Args:
        key: What the path is, as the user knows it (``config``).
        path: A path, or an address such as ``https://...``.
    """
    if '://' in path or Path(path).is_file():
        return
    if path and Path(path).is_dir():
        files = sorted(Path(path).glob('*.py' if key == 'config' else '*.pth'), key=os.path.getmtime)
        whole = [file for file in files if not file.name.startswith(('student_', 'best_'))]  # can be resumed, too
        hint = f', such as {(whole or files)[-1]}' if files else ''
        raise ConfigError(f'{key}={path!r} is a folder: name a file in it{hint}')
    folder = next(parent for parent in Path(path).absolute().parents if parent.is_dir())
    shallow = folder in (Path.cwd(), *Path.cwd().parents)  # a whole checkout holds too many files to look through
    if shallow and (folder / 'configs').is_dir():
        folder, shallow = folder / 'configs', False
    files = folder.glob('*') if shallow else folder.rglob('*')
    by_name = {file.name: file for file in sorted(files) if file.suffix == Path(path).suffix and file.is_file()}
    near = difflib.get_close_matches(Path(path).name, by_name, n=1, cutoff=0.6)
    hint = f'; did you mean {os.path.relpath(by_name[near[0]])}?' if near else ''
    raise ConfigError(f'{key}={path!r} is not a file{hint}')
