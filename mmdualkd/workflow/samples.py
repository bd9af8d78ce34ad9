"""The files that a run learns from, their classes, and which of them are held out."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..checks.data import contradicting, shared
from ..datasets.finding import SUFFIXES, files_below, find_pictures, find_videos
from ..datasets.reading import open_video
from ..datasets.samples import Sample
from ..datasets.splits import (
    beside,
    check_classes,
    check_names,
    class_names,
    held_out,
    known_classes,
    write_annotations,
)
from ..datasets.table import SPLITS, read_table
from ..errors import ConfigError, DataError, listed, nearest
from ..zoo.catalogue import PICTURES, VIDEOS

NOTES = ('.txt', '.json', '.csv', '.xml', '.yaml', '.yml', '.md', '.srt', '.vtt', '.log', '.npy', '.pkl', '.pt', '.pth')
TEST = 'test'  # the part that judges where there is one to validate on, too
PROBES = 25
SHOWN = 10  # files that are left out


@dataclass(frozen=True)
class Samples:
    """What was found in a folder or a table.

    Attributes:
        of: ``'videos'`` or ``'pictures'``.
        root: The folder that the paths start from.
        classes: The class of each path.
        held_out: The paths that nothing is trained on.
        faults: Files that do not decode, and why.
        unlabelled: Paths without a class, for the student to learn from its teachers.
        test: Those held-out paths that judge, where others are to validate on; none where all are for both.
    """

    of: str
    root: Path
    classes: dict[str, str]
    held_out: set[str]
    faults: dict[str, str]
    unlabelled: list[str] = field(default_factory=list)
    test: set[str] = field(default_factory=set)

    @property
    def names(self) -> list[str]:
        """Class names in order of their labels."""
        return class_names(self.classes)

    def trained_on(self) -> list[str]:
        """The other paths."""
        return [path for path in self.classes if path not in self.held_out]

    def warn_of_copies(self) -> None:
        """Tells of held-out files that are training files, too, and of those of two classes, by their content."""
        train, judged = (
            [Sample(str(self.root / path), None, (self.classes.get(path),)) for path in paths]
            for paths in ([*self.trained_on(), *self.unlabelled], sorted(self.held_out))
        )
        for what, part in (('training', train[: len(train) - len(self.unlabelled)]), ('held-out', judged)):
            if twins := contradicting(part):
                other, one = next(iter(twins.items()))
                print(
                    f'warning: {len(twins)} {what} {self.of} are copies of one in another class, such as {other} of '
                    f'{one}: leave out the wrong ones'
                )
        if same := shared(train, judged):
            print(
                f'warning: {len(same)} of {len(judged)} held-out {self.of} are copies of training files, such as '
                f'{next(iter(same))}: what is learned by heart counts as right; leave copies out'
            )

    def write(self, folder: Path) -> None:
        """Writes ``train.txt``, ``val.txt``, of a split into three ``test.txt``, and ``classes.txt``."""
        folder.mkdir(parents=True, exist_ok=True)
        write_annotations(folder, self.classes, [self.held_out], self.unlabelled, test=self.test)


def find_samples(
    data: str | Path,
    out: Path,
    test_fraction: float,
    group_regex: re.Pattern | None,
    seed: int,
    unlabelled: str | None = None,
) -> Samples:
    """Finds videos or pictures, names their classes and holds some out.

    Folders named ``train`` and ``val`` (or ``test``, or both) at the top, or a table's column of these names, are a
    split that is kept; of anything else a share of each class, or of the groups, is drawn by the seed.

    Args:
        data: A folder, or a CSV of files and classes, whose paths start from the folder that it lies in.
        out: The folder of the run, which may lie inside.
        test_fraction: The share that is held out.
        group_regex: What tells groups apart, see :func:`~mmdualkd.datasets.splits.held_out`.
        seed: Decides what is held out.
        unlabelled: A folder in ``data`` whose files have no class; those of a table have an empty one.

    Raises:
        ConfigError: If there is no such folder or table.
        DataError: If it holds no classes that can be trained on and tested.
    """
    data = Path(data)
    if data.is_dir():
        root, table, parts = data.absolute(), None, {}
        paths = [path.relative_to(root).as_posix() for path in files_below(root, out)]
    elif data.is_file():
        root, (table, parts) = data.absolute().parent, read_table(data)
        paths = list(table)
        if unlabelled is not None:
            raise ConfigError(f'--unlabelled={unlabelled!r} is of folders; in a table leave the label empty')
    else:
        raise ConfigError(f'DATA={str(data)!r}: there is no such folder, and no such table')
    of, good, faults = _readable(paths, data, root, out)
    _tell(faults)  # before a class that lacks them is told of
    classes, without = known_classes(good, table, unlabelled)
    _warn_of_lost(faults, classes, table, unlabelled)
    if table is None and given_split(classes):
        parts = {path: path.partition('/')[0].lower() for path in classes}
    test = {path for path in classes if SPLITS[parts[path]]} if parts else None
    if parts and not test:
        raise DataError(f'DATA={str(data)!r}: of what it holds out no file decodes')
    without = [path for path in without if not SPLITS[parts.get(path, 'train')]]
    check_names(classes, without)
    if test is None:
        if table is None:
            _warn_of_empty_parts(root, classes)
            if group_regex is None:
                _tell_of_joined(classes)
        check_classes(classes)
        [test] = held_out(classes, test_fraction, group_regex=group_regex, seed=seed)
    elif group_regex is not None:
        raise ConfigError(f'--group-regex: DATA={str(data)!r} is divided already, into train and held-out data')
    judges = {path for path in test if parts.get(path) == TEST}
    judges = judges if judges != test else set()  # none is there to validate on beside them
    samples = Samples(of, root, classes, test, faults, beside(without, test, group_regex), judges)
    _check_split(samples, given=bool(parts))
    return samples


def _readable(paths: list[str], data: Path, root: Path, out: Path) -> tuple[str, list[str], dict[str, str]]:
    """Videos or pictures, by the files' names; by what can be read of them where that is none of the kind.

    Returns:
        The kind, the files of it, and what is wrong with the others.

    Raises:
        DataError: If nothing can be read.
    """
    find = {VIDEOS: find_videos, PICTURES: find_pictures}
    of = _kind(paths, data)
    good, faults = find[of](root, out, paths)
    if not good:  # names without a suffix, or with one of no meaning here
        [other] = find.keys() - {of}
        found, rest = find[other](root, out, paths)
        if found:
            return other, found, rest
        first = next(iter(faults.items()), None)
        raise DataError(f'DATA={str(data)!r} has no readable {of}' + (f': {first[0]} {first[1]}' if first else ''))
    return of, good, faults


def _tell(faults: Mapping[str, str]) -> None:
    for path, fault in list(faults.items())[:SHOWN]:
        print(f'left out: {path.encode(errors="backslashreplace").decode()} {fault}')  # its name may be no UTF-8
    if len(faults) > SHOWN:
        print(f'left out: {len(faults) - SHOWN} more')


def _warn_of_lost(
    faults: Mapping[str, str], classes: Mapping[str, str], table: Mapping[str, str] | None, unlabelled: str | None
) -> None:
    """Tells of classes that have files, none of which decodes."""
    broken = [path for path in faults if not path.lower().endswith(NOTES)]
    if table is None:
        without = f'{PurePosixPath(unlabelled)}/' if unlabelled is not None else None
        broken = [path for path in broken if '/' in path and not (without and path.startswith(without))]
    if lost := set(known_classes(broken, table)[0].values()) - set(classes.values()):
        print(f'warning: no file of {listed(sorted(map(repr, lost)))} decodes: the student will not know of it')


def _kind(paths: Iterable[str], data: Path) -> str:
    """Videos or pictures: what most of the files are, notes beside them left aside."""
    media = [path for path in paths if not path.lower().endswith(NOTES)] or list(paths)
    kinds = Counter(PICTURES if path.lower().endswith(SUFFIXES) else VIDEOS for path in media)
    if not kinds:
        raise DataError(f'DATA={str(data)!r} holds no files')
    return kinds.most_common()[0][0]


def given_split(classes: Mapping[str, str]) -> bool:
    """Whether folders are divided at the top, into parts of a split.

    Raises:
        DataError: If some of the folders are a split by their names and classes, but others lie beside them, or
            the split lies inside of the classes.
    """
    inside: dict[str, set[str]] = {}
    for path, name in classes.items():
        inside.setdefault(path.partition('/')[0], set()).add(name)
    others = [top for top in inside if top.lower() not in SPLITS]
    parts = [top for top in inside if top not in others]
    if others and (shared := [top for top in parts if any(inside[top] & inside[it] for it in inside if it != top)]):
        raise DataError(
            f'{shared[0]!r} is the name of a part of a split, and its classes lie in other folders, too, but '
            f'{others[0]!r} beside it is no name of a part: have folders train and val (or test) alone, or list the '
            'files in a CSV of path,label to have them divided'
        )
    if others or len({SPLITS[top.lower()] for top in inside}) < 2:
        _refuse_parts(set(classes.values()))
        return False
    if loose := [path for path in classes if path.count('/') == 1]:
        raise DataError(
            f'{len(loose)} files of the split lie in no class folder: {listed(loose, SHOWN)}; put them into a folder a '
            'class, or list the files in a CSV of path,label'
        )
    return True


def _warn_of_empty_parts(root: Path, classes: Mapping[str, str]) -> None:
    """Tells of a split of which one side holds no file, so that the other one is divided."""
    tops = {path.partition('/')[0] for path in classes}
    parts = {path.name for path in root.iterdir() if path.is_dir() and path.name.lower() in SPLITS}
    if tops <= parts and (empty := sorted(parts - tops)):
        print(f'warning: no file that decodes lies in {", ".join(map(repr, empty))}: a share of what lies in '
              f'{", ".join(map(repr, sorted(tops)))} is held out in its place')  # fmt: skip


def _tell_of_joined(classes: Mapping[str, str]) -> None:
    """Tells of folders that each hold several classes which lie in others, too, as the parts of a split do."""
    inside: dict[str, set[str]] = {}
    for path, name in classes.items():
        inside.setdefault(path.partition('/')[0], set()).add(name)
    joined = sorted(top for top, names in inside.items() if sum(len(names & it) > 1 for it in inside.values()) > 1)
    if joined:
        print(
            f'warning: the same classes lie in {", ".join(map(repr, joined[:5]))}: their files are put together and '
            'divided anew; a split that is to be kept is called train and val (or test)'
        )


def _refuse_parts(names: set[str]) -> None:
    """Refuses class folders that are divided inside, whose parts would be told apart as if they were classes."""
    parts = {SPLITS[name.lower()]: name for name in sorted(names) if name.lower() in SPLITS}
    if len(parts) == 2:
        raise DataError(
            f'the folders that files lie in are called {parts[False]!r} and {parts[True]!r}, which are parts of a '
            'split and no classes: have train and val (or test) at the top and a folder a class in each, or list the '
            'files in a CSV of path,label to have them divided'
        )


def _check_split(samples: Samples, given: bool) -> None:
    """Refuses a split in which a class is not learned, tells where one is not tested, and of copies on both sides."""
    learned = {samples.classes[path] for path in samples.trained_on()}
    if absent := [name for name in samples.names if name not in learned]:
        why = (
            f'what is to train on has no such class{nearest(absent[0], sorted(learned))}'
            if given
            else 'the split holds all of them out; use other groups, another seed, or more files'
        )
        raise DataError(f'no file of {", ".join(map(repr, absent[:5]))} is left to train on: {why}')
    tested = {samples.classes[path] for path in samples.test or samples.held_out}
    if untested := [name for name in samples.names if name not in tested]:
        where = 'is of test' if samples.test else 'is held out'
        print(f'warning: no file of {", ".join(map(repr, untested[:5]))} {where}: nothing tests them')
    samples.warn_of_copies()
    if len(samples.names) < 2:
        raise DataError(f'there is only one class, {samples.names[0]!r}: nothing to tell apart')


def frames_of(samples: Samples) -> int:
    """The frames of a video that half of the others are shorter than, of some of them."""
    paths = samples.trained_on()
    counts = sorted(len(open_video(str(samples.root / path))) for path in paths[:: max(len(paths) // PROBES, 1)])
    return counts[len(counts) // 2]
