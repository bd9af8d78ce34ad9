"""Annotation files for a folder of videos that has one folder a class."""

import argparse
import os
import random
import re
import sys
from pathlib import Path

import decord

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
    if args.group_regex and re.compile(args.group_regex).groups < 1:
        parser.error(f'--group-regex {args.group_regex!r} has no group: put parentheses around what names the group')
    return args


def find_videos(folder: Path, out: Path) -> tuple[list[str], list[str]]:
    """Gives the paths (from ``folder``) of the files that decode, and those of the others; ``out`` is left out."""
    tree = os.walk(folder, followlinks=True)  # class folders may be links
    files = sorted(Path(parent, name) for parent, _, names in tree for name in names)
    files = [path for path in files if path.is_file() and out.resolve() not in path.resolve().parents]
    videos, unreadable = [], []
    for path in files:
        try:
            decord.VideoReader(str(path), num_threads=1)[0]
        except (decord.DECORDError, RuntimeError, IndexError):
            unreadable.append(path.relative_to(folder).as_posix())
        else:
            videos.append(path.relative_to(folder).as_posix())
    return videos, unreadable


def group_of(video: str, regex: str) -> str:
    """The group that a path belongs to; a path without one is an error."""
    match = re.search(regex, f'/{video}')
    if match is None:
        sys.exit(f'--group-regex {regex!r} does not match {video}')
    return match.group(1)


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
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / 'classes.txt').write_text('\n'.join(names) + '\n', encoding='utf-8')
    print(f'{len(videos)} videos of {len(names)} classes: {", ".join(names)}')
    written = set()
    for number, test in enumerate(held_out(videos, args), start=1):
        prefix = f'fold{number}_' if args.folds else ''
        for part, chosen in (
            ('train', [v for v in videos if v not in test]),
            ('val', [v for v in videos if v in test]),
        ):
            path = args.out / f'{prefix}{part}.txt'
            path.write_text(''.join(f'{video} {labels[class_of(video)]}\n' for video in chosen), encoding='utf-8')
            written.add(path)
            absent = [name for name in names if name not in set(map(class_of, chosen))]
            note = f', none of {", ".join(absent)}' if absent else ''
            print(f'{path}: {len(chosen)} videos{note}')
    found = [path for part in ('train', 'val') for path in args.out.glob(f'*{part}.txt')]
    others = sorted(path.name for path in found if path not in written)
    if others:
        print(f'left as they are, of an earlier run; their labels may not be those of classes.txt: {", ".join(others)}')


if __name__ == '__main__':
    main()
