"""Makes one HTML page of a training, of a run of ``mmdualkd distill`` or of a study; it opens without a network.

The student and its teachers are run once over the validation data; what they say is kept beside the training in
``report/predictions.npz``, so that a second page is there at once.

Examples:
    python tools/report.py work_dirs/DISTILLED --against work_dirs/STUDENT_ALONE
    python tools/report.py work_dirs/studies/STUDY --out study.html
"""

import argparse
import shlex
import sys

import mmdualkd  # noqa: F401  (first: it mends the stack and lets `mmdualkd::` bases be found)
from mmdualkd.cli.tools import add_report_arguments
from mmdualkd.launch import run_tool


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add_report_arguments(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from mmdualkd.report.write import write_page

    words = sys.argv if sys.argv[0].startswith('mmdualkd ') else ['python', 'tools/report.py', *sys.argv[1:]]
    command = ' '.join([words[0], shlex.join(words[1:])])
    print(write_page(args.folder, args.against, args.out, not args.no_predictions, command))


if __name__ == '__main__':
    run_tool(main)
