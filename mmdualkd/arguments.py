"""Command lines that the tools have in common."""

import argparse
from collections.abc import Callable
from typing import Any

from mmengine.config import DictAction


class CfgOptions(DictAction):
    """MMEngine's action for ``--cfg-options``; what it cannot read is an error of the command line.

    A single value keeps its spaces (paths may have some), which MMEngine drops.
    """

    @staticmethod
    def _parse_iterable(val: str) -> Any:
        text = val.strip('\'"')
        single = not any(char in text for char in ',()[]')
        return DictAction._parse_int_float_bool(text) if single else DictAction._parse_iterable(val)

    @classmethod
    def read(cls, value: Any) -> Any:
        """What becomes of a value that is written as ``key=value``."""
        try:
            return cls._parse_iterable(str(value))
        except AssertionError:  # brackets that do not match
            return str(value)

    def __call__(self, parser: Any, namespace: Any, values: list[str], option_string: str | None = None) -> None:
        for value in values:
            key, equals, _ = value.partition('=')
            if not key or not equals:
                raise argparse.ArgumentError(self, f'{value!r} is not key=value')
            try:
                super().__call__(parser, namespace, [value], option_string)
            except AssertionError as error:
                raise argparse.ArgumentError(self, f'the brackets in {value!r} do not match') from error


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


def add_launch_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that training and testing have in common (those of MMAction2's tools)."""
    parser.add_argument('--work-dir', help='where logs and checkpoints go; default: work_dirs/CONFIG_NAME')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=CfgOptions,
        help='settings that override the config, as key=value; a list as key="[a,b]", nested: key="[(a,b),(c,d)]"',
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='job launcher')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help='set by some launchers')
