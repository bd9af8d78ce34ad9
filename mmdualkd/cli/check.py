"""Look at a training before it begins: data, models, memory, time; nothing is trained or written."""

import argparse

from ..arguments import add_config, add_merged, count
from .tools import add_training_flags


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand."""
    add_config(parser)
    add_merged(parser)
    add_training_flags(parser)
    parser.add_argument(
        '--samples',
        type=count,
        help='training samples that teachers are judged on (default: 64, or 5 a class)',
    )
    parser.add_argument(
        '--processes', type=count, default=1, help='processes (GPUs) that will train together (default 1)'
    )


def run(args: argparse.Namespace) -> int:
    """Prints what was found, errors last; gives 1 if there are any."""
    from ..checks import check_config
    from ..findings import exit_code, report
    from ..flags import set_flags
    from ..launch import load_config

    cfg = load_config(argparse.Namespace(**vars(args), launcher='none', local_rank=0))
    set_flags(cfg, args)
    findings = check_config(cfg, processes=args.processes, samples=args.samples)
    print(report(findings))
    return exit_code(findings)
