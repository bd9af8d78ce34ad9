"""Annotation files for a folder of videos that has one folder a class."""

import argparse
import os
import random
import re
import sys
from contextlib import ExitStack
from pathlib import Path

import mmdualkd  # noqa: F401  (first: it mends the stack)

# isort: split
import decord

from mmdualkd.datasets.reading import open_video
from mmdualkd.errors import DataError
from mmdualkd.files import check_folder, replacing
from mmdualkd.launch import run_tool

EXAMPLES = r"""
examples:
  one's own videos, a fifth of each class held out:
    python tools/make_annotations.py data/mine --out data/annotations/mine
  one's own videos, a fifth of the people held out (their names begin the file names):
    python tools/make_annotations.py data/mine --out data/annotations/mine --group-regex '/([^/_]+)_[^/]*$'
  Weizmann, three folds of three subjects held out:
    python tools/make_annotations.py data/weizmann --out data/annotations/weizmann --group-regex '/([a-z]+)_' --folds 3
  UT-Interaction, both directions (fold 1 tests on set1 and trains on set2, fold 2 the other way round):
    python tools/make_annotations.py data/ut-interaction --out data/annotations/ut-interaction --group-regex '(set\d)' --folds 2
"""  # noqa: E501


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description='Writes train.txt and val.txt (path and label a line, paths from FOLDER), or fold<k>_train.txt and '
        'fold<k>_val.txt, and classes.txt. The class of a video is the name of the folder it lies in.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'folder', type=Path, metavar='FOLDER', help='folder with one folder of videos a class, at any depth'
    )
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='where the files go')
    split = parser.add_mutually_exclusive_group()
    split.add_argument(
        '--test-fraction', type=float, default=0.2, help='share of each class (of groups) held out (default 0.2)'
    )
    split.add_argument('--folds', type=int, help='hold out each of so many parts in turn')
    parser.add_argument(
        '--group-regex',
        type=group_regex,
        help='videos whose path from FOLDER (with / before it) gives the same first group of this expression stay '
        'together',
    )
    parser.add_argument('--seed', type=int, default=0, help='decides which videos are held out (default 0)')
    args = parser.parse_args(argv)
    if not args.folder.is_dir():
        parser.error(f'FOLDER {str(args.folder)!r}: there is no such folder')
    if not 0 < args.test_fraction < 1:
        parser.error(f'--test-fraction must lie between 0 and 1, got {args.test_fraction}')
    if args.folds is not None and args.folds < 2:
        parser.error(f'--folds must be 2 or more, got {args.folds}')
    return args


def group_regex(text: str) -> re.Pattern:
    """Reads ``--group-regex``."""
    try:
        regex = re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f'{text!r} is no regular expression: {error}') from error
    if regex.groups < 1:
        raise argparse.ArgumentTypeError(f'{text!r} has no group: put parentheses around what names the group')
    return regex


def files_below(folder: Path) -> list[Path]:
    """Each file below a folder once, by its name without links if it has one; hidden folders are left out."""
    seen, files, waiting = set(), [], [folder]
    for start in waiting:  # class folders may be links; a link may lead back to where it stands
        for parent, folders, names in os.walk(start):
            folders[:] = sorted(name for name in folders if not name.startswith('.'))
            if os.path.realpath(parent) in seen:
                folders.clear()
                continue
            seen.add(os.path.realpath(parent))
            waiting += [path for path in (Path(parent, name) for name in folders) if path.is_symlink()]
            files += [path for path in (Path(parent, name) for name in sorted(names)) if path.is_file()]
    once = {}
    for path in sorted(files, key=Path.is_symlink):
        once.setdefault(os.path.realpath(path), path)
    return sorted(once.values())


def find_videos(folder: Path, out: Path) -> tuple[list[str], list[str]]:
    """Gives the paths (from ``folder``) of the files that decode, and of the others; an ``out`` in it is left out."""
    videos, unreadable = [], []
    inside = folder.resolve() in out.resolve().parents
    for path in files_below(folder):
        if inside and out.resolve() in path.resolve().parents:
            continue
        try:
            open_video(str(path))[0]
        except (decord.DECORDError, DataError, OSError, RuntimeError, IndexError):
            unreadable.append(path.relative_to(folder).as_posix())
        else:
            videos.append(path.relative_to(folder).as_posix())
    return videos, unreadable


def group_of(video: str, regex: re.Pattern) -> str:
    """The group that a path belongs to; a path without one is an error."""
    match = regex.search(f'/{video}')
    if match is None or match[1] is None:
        what = 'does not match' if match is None else 'matches without its first group in'
        sys.exit(f'--group-regex {regex.pattern!r} {what} {video}')
    return match[1]


def held_out(videos: list[str], args: argparse.Namespace) -> list[set[str]]:
    """The videos that each split holds out: one set, or one a fold.

    Groups are never divided. Folds of groups take the groups in order of their names; all else is drawn by the seed.
    """
    rng = random.Random(args.seed)
    if args.group_regex:
        groups = {}
        for video in videos:
            groups.setdefault(group_of(video, args.group_regex), []).append(video)
        pools = [[groups[name] for name in sorted(groups)]]
        print(f'{len(groups)} groups: {", ".join(sorted(groups))}')
    else:
        pools = [[[video] for video in videos if class_of(video) == name] for name in classes_of(videos)]
    parts = args.folds or 1
    splits = [set() for _ in range(parts)]
    for units in pools:  # a unit is what must stay together; each pool (a class, or all groups) is divided evenly
        if len(units) < max(parts, 2):
            sys.exit(f'{len(units)} videos or groups ({units[0][0]}, ...) cannot be divided into {max(parts, 2)} parts')
        if not args.group_regex or not args.folds:
            rng.shuffle(units)
        if args.folds:
            bounds = [round(len(units) * part / parts) for part in range(parts + 1)]
        else:
            bounds = [0, min(max(round(len(units) * args.test_fraction), 1), len(units) - 1)]
        for split, start, end in zip(splits, bounds, bounds[1:], strict=False):
            split.update(video for unit in units[start:end] for video in unit)
    return splits


def class_of(video: str) -> str:
    """The name of the folder that a video lies in."""
    return Path(video).parent.name


def classes_of(videos: list[str]) -> list[str]:
    """Class names in order of their labels."""
    return sorted({class_of(video) for video in videos})


def main(argv: list[str] | None = None) -> None:
    """Writes the files and says what they hold."""
    args = parse_args(argv)
    check_folder('--out', args.out)
    decord.logging.set_level(decord.logging.QUIET)  # unreadable files are named below
    videos, unreadable = find_videos(args.folder, args.out)
    for path in unreadable:
        print(f'left out, not a readable video: {path}')
    loose = [video for video in videos if '/' not in video]
    if loose:
        sys.exit(f'{len(loose)} videos lie in no class folder: {", ".join(loose[:5])}')
    spaced = [video for video in videos if re.search(r'\s', video)]
    if spaced:
        sys.exit(
            f'{len(spaced)} paths have a space in them, which annotation files cannot hold; rename: '
            f'{", ".join(spaced[:5])}'
        )
    if not videos:
        sys.exit(f'no readable video in {args.folder}')
    names = classes_of(videos)
    labels = {name: label for label, name in enumerate(names)}
    print(f'{len(videos)} videos of {len(names)} classes: {", ".join(names)}')
    texts = {args.out / 'classes.txt': ''.join(f'{name}\n' for name in names)}
    for number, test in enumerate(held_out(videos, args), start=1):
        prefix = f'fold{number}_' if args.folds else ''
        for part, chosen in (
            ('train', [v for v in videos if v not in test]),
            ('val', [v for v in videos if v in test]),
        ):
            path = args.out / f'{prefix}{part}.txt'
            texts[path] = ''.join(f'{video} {labels[class_of(video)]}\n' for video in chosen)
            absent = [name for name in names if name not in set(map(class_of, chosen))]
            note = f', none of {", ".join(absent)}' if absent else ''
            print(f'{path}: {len(chosen)} videos{note}')
    with ExitStack() as files:  # all of them or none: labels are the numbers of the lines in classes.txt
        for path, text in texts.items():
            files.enter_context(replacing(path)).write_bytes(text.encode())
    found = [path for part in ('train', 'val') for path in args.out.glob(f'*{part}.txt')]
    others = sorted(path.name for path in found if path not in texts)
    if others:
        print(f'left as they are, of an earlier run; their labels may not be those of classes.txt: {", ".join(others)}')


if __name__ == '__main__':
    run_tool(main)
