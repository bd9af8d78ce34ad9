"""Options that subcommands have in common, without importing what reads them."""

import argparse
from typing import Any


class CfgOptions(argparse.Action):
    """``--cfg-options`` as the tools read it (:class:`mmdualkd.arguments.CfgOptions`)."""

    def __call__(self, parser: Any, namespace: Any, values: list[str], option_string: str | None = None) -> None:
        from ..arguments import CfgOptions as Read

        Read(self.option_strings, self.dest)(parser, namespace, values, option_string)


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds a config, and what is merged into it."""
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='where logs and checkpoints go; default: work_dirs/CONFIG_NAME')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=CfgOptions,
        help='settings that override the config, as key=value; a list as key="[a,b]", nested: key="[(a,b),(c,d)]"',
    )


def count(text: str) -> int:
    """Reads a whole number from 1: a ``type`` for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'must be a whole number from 1, got {text!r}')
    return int(text)
