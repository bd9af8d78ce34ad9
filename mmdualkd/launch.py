"""What the tools share: their common flags, the config with these merged in, and the runner."""

import argparse
import difflib
import os
from pathlib import Path

from mmengine.config import Config, DictAction

from .errors import ConfigError


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
    """The config file with launcher, work directory and ``--cfg-options`` merged in.

    Args:
        args: Parsed arguments with ``config`` and those of :func:`add_launch_arguments`.

    Raises:
        ConfigError: If there is no such file; names the nearest one.
    """
    check_file('config', args.config)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = Config.fromfile(args.config)
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = os.path.join('work_dirs', Path(args.config).stem)
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    return cfg


def build_runner(cfg: Config):
    """The MMEngine runner of a config; its own kind where the config has a ``runner_type``."""
    from mmaction.registry import RUNNERS
    from mmengine.runner import Runner

    return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)


def check_file(key: str, path: str) -> None:
    """Raises a :class:`ConfigError` that names the nearest file if ``path`` is neither a file nor an address.

    Args:
        key: What the path is, as the user knows it (``config``).
        path: A path, or an address such as ``https://...``.
    """
    if '://' in path or Path(path).is_file():
        return
    folder = next(parent for parent in Path(path).absolute().parents if parent.is_dir())
    shallow = folder in (Path.cwd(), *Path.cwd().parents)  # a whole checkout holds too many files to look through
    if shallow and (folder / 'configs').is_dir():
        folder, shallow = folder / 'configs', False
    files = folder.glob('*') if shallow else folder.rglob('*')
    by_name = {file.name: file for file in sorted(files) if file.suffix == Path(path).suffix}
    near = difflib.get_close_matches(Path(path).name, by_name, n=1, cutoff=0.6)
    hint = f'; did you mean {os.path.relpath(by_name[near[0]])}?' if near else ''
    raise ConfigError(f'{key}={path!r} is not a file{hint}')
