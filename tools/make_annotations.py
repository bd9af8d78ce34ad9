"""Annotation files for a folder of videos or pictures that has one folder a class, or for a table of them."""

import argparse

import mmdualkd  # noqa: F401  (first: it mends the stack)
from mmdualkd.arguments import folder_path
from mmdualkd.datasets import finding, splits
from mmdualkd.datasets.table import read_table
from mmdualkd.errors import DataError, listed
from mmdualkd.files import check_folder
from mmdualkd.launch import run_tool
from mmdualkd.workflow.arguments import expression
from mmdualkd.workflow.samples import given_split

EXAMPLES = r"""
examples:
  one's own videos, a fifth of each class held out:
    python tools/make_annotations.py data/mine --out data/annotations/mine
  one's own videos, a fifth of the people held out (their names begin the file names):
    python tools/make_annotations.py data/mine --out data/annotations/mine --group-regex '/([^/_]+)_[^/]*$'
  videos anywhere below a folder, whose classes a table says (path,label):
    python tools/make_annotations.py data/mine --table data/mine.csv --out data/annotations/mine
  the same, with videos without a label in data/mine/others:
    python tools/make_annotations.py data/mine --unlabelled others --out data/annotations/mine
  Weizmann, three folds of three subjects held out:
    python tools/make_annotations.py data/weizmann --out data/annotations/weizmann --group-regex '/([a-z]+)_' --folds 3
  UT-Interaction, both directions (fold 1 tests on set1 and trains on set2, fold 2 the other way round):
    python tools/make_annotations.py data/ut-interaction --out data/annotations/ut-interaction --group-regex '(set\d)' --folds 2
"""  # noqa: E501


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description='Writes train.txt and val.txt (path and label a line, paths from FOLDER), or fold<k>_train.txt and '
        'fold<k>_val.txt, and classes.txt. The class of a video or picture is the name of the folder it lies in.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'folder', type=folder_path, metavar='FOLDER', help='folder with one folder of videos a class, at any depth'
    )
    parser.add_argument('--out', type=folder_path, required=True, metavar='DIR', help='where the files go')
    parser.add_argument('--pictures', action='store_true', help='pictures in place of videos')
    parser.add_argument(
        '--table',
        metavar='CSV',
        help='takes files (paths from FOLDER) and classes from the columns path,label; an empty label or -1 is none',
    )
    parser.add_argument(
        '--unlabelled', metavar='DIR', help='folder in FOLDER whose files have no label: to train on, with the label -1'
    )
    split = parser.add_mutually_exclusive_group()
    split.add_argument(
        '--test-fraction', type=float, default=0.2, help='share of each class (of groups) held out (default 0.2)'
    )
    split.add_argument('--folds', type=int, help='hold out each of so many parts in turn')
    parser.add_argument(
        '--group-regex',
        help='videos whose path from FOLDER (with / before it) gives the same first group of this expression stay '
        'together',
    )
    parser.add_argument('--seed', type=int, default=0, help='decides which videos are held out (default 0)')
    args = parser.parse_args()
    if not args.folder.is_dir():
        parser.error(f'FOLDER {str(args.folder)!r}: there is no such folder')
    if not 0 < args.test_fraction < 1:
        parser.error(f'--test-fraction must lie between 0 and 1, got {args.test_fraction}')
    if args.table is not None and not args.table.strip():  # a variable of the shell that is not set
        parser.error('--table must be the path of a file, got an empty one')
    if args.table is not None and args.unlabelled is not None:
        parser.error('--unlabelled is of folders; in a --table a file without a label has an empty one')
    if args.folds is not None and args.folds < 2:
        parser.error(f'--folds must be 2 or more, got {args.folds}')
    args.group_regex = expression(args.group_regex)
    return args


def main() -> None:
    """Writes the files and says what they hold."""
    args = parse_args()
    check_folder('--out', args.out)
    noun = 'picture' if args.pictures else 'video'
    table, parts = (None, {}) if args.table is None else read_table(args.table, args.folder)
    find = finding.find_pictures if args.pictures else finding.find_videos
    found, faults = find(args.folder, args.out, table)
    for path, fault in faults.items():
        print(f'left out: {ascii(path) if not path.isprintable() else path} {fault}')
    if not found:
        other = 'without --pictures it looks for videos' if args.pictures else '--pictures looks for pictures'
        raise DataError(f'no readable {noun} in {args.folder}; {other}')
    classes, unlabelled = splits.known_classes(found, table, args.unlabelled)
    splits.check_classes(classes, unlabelled)
    names = splits.class_names(classes)
    without = f', and {len(unlabelled)} without a label' if unlabelled else ''
    print(f'{len(classes)} {noun}s of {len(names)} classes: {", ".join(names)}{without}')
    if table is None and given_split(classes):
        parts = {path: path.partition('/')[0] for path in classes}
    if parts:
        tops = ', '.join(sorted(set(parts.values())))
        print(f'warning: {tops} are divided anew; `mmdualkd distill` keeps them as the split that they are')
    if args.group_regex:
        groups = splits.groups_of(classes, args.group_regex)
        print(f'{len(groups)} groups: {listed(sorted(groups), 20)}')
    parts = splits.held_out(classes, args.test_fraction, args.folds, args.group_regex, args.seed)
    written = splits.write_annotations(args.out, classes, parts, unlabelled, args.group_regex)
    for file, paths in written.items():
        there = {classes.get(path) for path in paths}
        absent = [name for name in names if name not in there]
        note = f', none of {", ".join(absent)}' if absent else ''
        print(f'{file}: {len(paths)} {noun}s{note}')
    there = [path for part in ('train', 'val') for path in args.out.glob(f'*{part}.txt')]
    others = sorted(path.name for path in there if path not in written)
    if others:
        print(f'left as they are, of an earlier run; their labels may not be those of classes.txt: {", ".join(others)}')


if __name__ == '__main__':
    run_tool(main)
