"""Subcommands of the installed command in this process, and what they print."""

import argparse
import importlib
import re
from typing import NamedTuple

LINE = re.compile(r'^(error|warning|fine) +(\S.*?)  +(\S.*)$')


class Line(NamedTuple):
    """A finding as it is printed."""

    level: str
    what: str
    text: str


def subcommand(module: str, *words: object) -> int | None:
    """Runs a module of ``mmdualkd.cli`` with the words of a command line; gives its exit code."""
    command = importlib.import_module(f'mmdualkd.cli.{module}')
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(word) for word in words]))


def findings(output: str) -> list[Line]:
    """The findings that a command printed, in their order."""
    return [Line(*found.groups()) for line in output.splitlines() if (found := LINE.match(line))]


def texts(found: list[Line], level: str, what: str | None = None) -> str:
    """The texts of a level, of what they are about, one a line."""
    return '\n'.join(line.text for line in found if line.level == level and what in (None, line.what))
