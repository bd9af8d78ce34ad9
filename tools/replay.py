"""Runs a step again that left the finite numbers, and tells in which term and module the first such number arises.

Examples:
    python tools/replay.py work_dirs/CONFIG/divergence_1234.pt
"""

import argparse

import mmdualkd  # noqa: F401  (first: it mends the stack)
from mmdualkd.cli.tools import add_replay_arguments
from mmdualkd.launch import check_file, run_tool
from mmdualkd.settings import check_device


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_replay_arguments(parser)
    args = parser.parse_args()
    check_file('FILE', args.file)
    if args.device is not None:
        check_device('--device', args.device)
    import torch

    from mmdualkd.replay.run import replay

    for line in replay(args.file, args.device or ('cuda' if torch.cuda.is_available() else 'cpu')):
        print(line, flush=True)


if __name__ == '__main__':
    run_tool(main)
