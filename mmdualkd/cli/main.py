"""Distils large video and picture models into small ones.

Each command has a --help of its own.
"""

import argparse
import importlib
import os
import sys
from pathlib import Path

from ..printed import INTERRUPTED, printed
from ..version import __version__
from . import tools

TOOLS = Path(__file__).parents[1] / '.mim' / 'tools'
# commands that are tools of the repository, with all their flags
SCRIPTS = {
    'train': ('train', tools.add_train_arguments, 'trains what a config describes'),
    'test': ('test', tools.add_test_arguments, 'evaluates a checkpoint'),
    'export': ('export_student', tools.add_export_arguments, 'exports a student for plain MMAction2 or MMPretrain'),
    'replay': ('replay', tools.add_replay_arguments, 'runs a step again that left the finite numbers'),
    'cache': ('cache_teachers', tools.add_cache_arguments, 'runs the teachers once, for any number of trainings'),
    'report': ('report', tools.add_report_arguments, 'makes one HTML page of a training or a study'),
}
# commands that are modules here: `add_arguments(parser)` and `run(args)`
COMMANDS = {
    'distill': ('distill', ['distil'], 'from a folder of videos or pictures to a small model'),
    'check': ('check', [], 'builds all of a config and measures it, without training'),
    'doctor': ('doctor', [], 'looks at this installation and machine'),
    'list': ('listing', [], 'lists models, methods, loss terms and weightings'),
}


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; nothing heavy is imported for it, since tab completion builds it at each press."""
    parser = argparse.ArgumentParser(prog='mmdualkd', description=__doc__)
    parser.add_argument('--version', action='version', version=f'%(prog)s {__version__}')
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for name, (module, aliases, text) in COMMANDS.items():
        module = importlib.import_module(f'.{module}', __package__)
        command = commands.add_parser(
            name,
            aliases=aliases,
            help=text,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    for name, (_, add_arguments, text) in SCRIPTS.items():  # run by their own parsers; here for help and completion
        add_arguments(commands.add_parser(name, help=text))
    return parser


def run_script(command: str, script: str, arguments: list[str]) -> None:
    """Runs a tool of the repository in this process, with its own command line."""
    from ..launch import run_tool

    sys.argv = [f'mmdualkd {command}', *arguments]
    sys.path.insert(0, str(TOOLS))  # as Python does for a script; tools import each other
    run_tool(importlib.import_module(script).main)


def main() -> None:
    """Runs the command that the command line names.

    A package that cannot be imported ends it with one line, and so does an interruption.
    """
    try:
        with printed():
            run_command()
    except ImportError as error:
        raise SystemExit(f'{type(error).__name__}: {error}; `mmdualkd doctor` tells what is wrong') from error
    except KeyboardInterrupt:  # while packages are imported, which takes long; what runs says more
        print('Interrupted', file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None


def run_command() -> None:
    """Runs it."""
    command = sys.argv[1] if len(sys.argv) > 1 else None
    if command in SCRIPTS and '_ARGCOMPLETE' not in os.environ:
        run_script(command, SCRIPTS[command][0], sys.argv[2:])
        return
    parser = build_parser()
    try:
        import argcomplete
    except ImportError:  # a clone on PYTHONPATH; an installation has it
        pass
    else:
        argcomplete.autocomplete(parser)
    args = parser.parse_args()
    if args.command == 'doctor':  # works where nothing else can be imported
        sys.exit(args.run(args))
    from ..launch import run_tool

    run_tool(lambda: sys.exit(args.run(args)))
