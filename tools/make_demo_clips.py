"""Writes the demo's generated clips: video files and mmaction2 annotation files (train.txt, test.txt)."""

import argparse
import time

from moving_shapes import make_clips

from mmdualkd.arguments import folder_path, whole_number
from mmdualkd.files import check_folder
from mmdualkd.launch import run_tool


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser, count = argparse.ArgumentParser(description=__doc__), whole_number(0)
    parser.add_argument('folder', type=folder_path, help='where to write')
    parser.add_argument('--train', type=count, default=200, help='number of training clips (default: %(default)s)')
    parser.add_argument('--test', type=count, default=1000, help='number of test clips (default: %(default)s)')
    parser.add_argument('--seed', type=count, default=0, help='of the random numbers (default: %(default)s)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    check_folder('folder', args.folder)
    total, start = args.train + args.test, time.time()
    for done in make_clips(args.folder, args.train, args.test, args.seed):
        if done % 500 == 0 or done == total:
            print(f'{done}/{total} clips, {done / (time.time() - start):.0f} a second', flush=True)


if __name__ == '__main__':
    run_tool(main)
