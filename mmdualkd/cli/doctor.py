"""Look at this installation and machine, and say what to run where something is wrong.

Versions, imports, devices, decoder, the known faults that mmdualkd mends, memory and folders. It works where hardly
anything else does, and takes some ten seconds.
"""

import argparse
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand takes none."""


def run(args: argparse.Namespace) -> int:
    """Prints what was found, errors last; gives 1 if there are any."""
    from ..doctor import examine
    from ..findings import exit_code, report

    print('trying the stack, which takes some seconds ...', file=sys.stderr, flush=True)
    findings = examine()
    print(report(findings))
    return exit_code(findings)
