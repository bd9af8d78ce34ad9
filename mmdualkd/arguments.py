"""Command lines that the tools have in common."""

import argparse
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .completion import complete_config


class CfgOptions(argparse.Action):
    """Reads ``--cfg-options`` as MMEngine's ``DictAction``; what it cannot read is an error of the command line."""

    def __call__(self, parser: Any, namespace: Any, values: list[str], option_string: str | None = None) -> None:
        options = dict(getattr(namespace, self.dest, None) or {})
        for text in values:
            key, equals, value = text.partition('=')
            if not key or not equals:
                raise argparse.ArgumentError(self, f'{text!r} is not key=value')
            if re.match(r"""["']?[\[(\s]*\{\s*["']""", value):  # MMEngine would make strings of its pieces
                raise argparse.ArgumentError(
                    self, f'{text!r} holds a dict, which is not read here: set its keys ({key}.NAME=VALUE), or write a '
                    'config that inherits this one'
                )  # fmt: skip
            try:
                read = read_value(value)
            except AssertionError as error:
                raise argparse.ArgumentError(self, f'the brackets in {text!r} do not match') from error
            if key == 'terms' and options.get(key, read) != read:  # of other settings the last one wins
                raise argparse.ArgumentError(self, f'terms={options[key]} and {text}: a model learns by one of them')
            options[key] = read
        setattr(namespace, self.dest, options)


def read_value(text: str) -> Any:
    """Reads a value as MMEngine does on a command line; a single one keeps its spaces (paths may have some)."""
    from mmengine.config import DictAction  # the doctor has these command lines, too, and works without MMEngine

    text = text.strip('\'"')
    single = not any(char in text for char in ',()[]')
    return DictAction._parse_int_float_bool(text) if single else DictAction._parse_iterable(text)


def read_written(value: Any) -> Any:
    """What becomes of a value that is written as ``key=value`` and read again."""
    try:
        return read_value(str(value))
    except AssertionError:  # brackets that do not match
        return str(value)


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """What reads a whole number from ``least`` (to ``most``) off the command line: a ``type`` for argparse."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < least or (most is not None and value > most):
            limits = f'from {least}' if most is None else f'from {least} to {most}'
            raise argparse.ArgumentTypeError(f'must be a whole number {limits}, got {text!r}')
        return value

    return read


count = whole_number(1)


def folder_path(text: str) -> Path:
    """Reads the path of a folder off the command line; an empty one is a variable of the shell that is not set."""
    if not text.strip():
        raise argparse.ArgumentTypeError('must be the path of a folder, got an empty one')
    return file_path(text)


def file_path(text: str) -> Path:
    """Reads the path of a file off the command line; a shell leaves the ``~`` in ``--out=~/file`` to us."""
    return Path(os.path.expanduser(text))


def add_config(parser: argparse.ArgumentParser, what: str = 'config file', nargs: str | None = None) -> None:
    """Adds the config, which the shell completes."""
    argument = parser.add_argument('config', nargs=nargs, help=f'{what}, or one of a zoo (package::path.py)')
    argument.completer = complete_config


def add_merged(parser: argparse.ArgumentParser) -> None:
    """Adds what is merged into a config."""
    parser.add_argument('--work-dir', help='where logs and checkpoints go; default: work_dirs/CONFIG_NAME')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=CfgOptions,
        help='settings that override the config, as key=value; a list as key="[a,b]", nested: key="[(a,b),(c,d)]"',
    )


def add_launch_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that training and testing have in common (those of MMAction2's tools)."""
    add_merged(parser)
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='job launcher')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help='set by some launchers')
