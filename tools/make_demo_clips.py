"""Writes the demo's generated clips: video files and mmaction2 annotation files (train.txt, test.txt)."""

import argparse
import time

from moving_shapes import make_clips


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', help='where to write')
    parser.add_argument('--train', type=int, default=200, help='number of training clips (default: %(default)s)')
    parser.add_argument('--test', type=int, default=1000, help='number of test clips (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='of the random numbers (default: %(default)s)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    total, start = args.train + args.test, time.time()
    for done in make_clips(args.folder, args.train, args.test, args.seed):
        if done % 500 == 0 or done == total:
            print(f'{done}/{total} clips, {done / (time.time() - start):.0f} a second', flush=True)


if __name__ == '__main__':
    main()
