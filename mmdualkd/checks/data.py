"""What can be wrong with data, before any model sees them."""

import functools
import os
from collections import Counter
from collections.abc import Iterator

from ..datasets.draws import parts_of
from ..datasets.robust import RobustDataset, source_of
from ..datasets.samples import Sample
from ..datasets.wrappers import noun_of, plain_datasets
from ..errors import listed
from ..findings import Finding
from ..hooks.corrupt_video import max_fraction_of
from .headers import unreadable
from .job import Job


def check_set(job: Job, split: str) -> Iterator[Finding]:
    """A data set can be read, and has samples."""
    dataset = job.loader(split).dataset
    samples, places = job.samples(split), ', '.join(source_of(part) for part in plain_datasets(dataset))
    if not samples:
        yield Finding('error', f'{split} data', f'{places} is empty')
        return
    classes = len({label for sample in samples for label in sample.labels})
    visits = f', {len(dataset)} an epoch' if len(dataset) != len(samples) else ''
    text = f'{len(samples)} {noun_of(dataset)} of {classes} classes in {places}{visits}'
    yield Finding('fine', f'{split} data', text)


def check_files(job: Job) -> Iterator[Finding]:
    """Every file can be opened."""
    for pictures in (False, True):
        files, of = [], Counter()
        for split in job.splits():
            if (noun_of(job.loader(split).dataset) == 'pictures') == pictures:
                found = dict.fromkeys(sample.file for sample in job.samples(split) if sample.file)
                of[split] = len(found)
                files += found
        files, noun = list(dict.fromkeys(files)), 'pictures' if pictures else 'videos'
        if not files:
            continue
        faults = unreadable(files, pictures)
        if not faults:
            yield Finding('fine', noun, f'all {len(files)} files can be opened')
            continue
        named = listed([f'{file} ({fault})' for file, fault in faults.items()])
        text = f'{len(faults)} of {len(files)} files cannot be opened: {named}'
        plain = [part for split in of for part in plain_datasets(job.loader(split).dataset)]
        shares = [sum(one.file in faults for one in job.samples(split)) / len(job.samples(split)) for split in of]
        limit = max_fraction_of(job.cfg)
        if strict := [part for part in plain if not isinstance(part, RobustDataset)]:
            kind = type(strict[0]).__name__
            advice = f'{kind} ends training at the first one: mend or remove them, or use mmdualkd.{kind}'
            yield Finding('error', noun, f'{text}; {advice}')
        elif max(shares) > limit:
            advice = f'training stops when more than {limit:.0%} do not decode (max_fraction of CorruptVideoHook)'
            yield Finding('error', noun, f'{text}; {advice}: mend or remove them, or look at data_prefix')
        else:
            yield Finding('warning', noun, f'{text}; training passes over them, a test counts them as wrong')


def check_leak(job: Job) -> Iterator[Finding]:
    """No file is in the training data and in those that judge it, be it under another name."""
    train, seen = job.samples('train'), []
    yield from _of_two_labels(train, 'training')
    for split in [split for split in job.splits() if split != 'train']:
        judged = job.samples(split)
        if judged in seen:  # the test data are those of validation
            continue
        seen.append(judged)
        yield from _of_two_labels(judged, split)
        pairs = shared(train, judged)
        what = f'train and {split}'
        count = len({(sample.file, sample.cut) for sample in judged if sample.file})
        if not count:
            yield Finding('fine', what, 'not compared: the samples are no files of this machine')
        elif not pairs:
            yield Finding('fine', what, f'none of {count} {split} files is in the training data')
        else:
            named = listed([ours if ours == theirs else f'{theirs} is {ours}' for theirs, ours in pairs.items()])
            text = (
                f'{len(pairs)} of {count} {split} files are in the training data, too: {named}. What was learned by '
                'heart counts as right: split anew, copies on one side'
            )
            yield Finding('error' if 10 * len(pairs) > count else 'warning', what, text)


def _of_two_labels(samples: list[Sample], what: str) -> Iterator[Finding]:
    if twins := contradicting(samples):
        named = listed([f'{theirs} is {ours}' if ours != theirs else ours for theirs, ours in twins.items()])
        yield Finding('warning', 'labels', f'{len(twins)} {what} files are there again under another label: {named}')


def shared(train: list[Sample], judged: list[Sample]) -> dict[str, str]:
    """Files of the judged samples that are training files, too: by path, by where links lead, or by their content."""
    ours, theirs = ({(real(one.file), one.cut): one.file for one in samples if one.file} for samples in (train, judged))
    sizes = {path: os.path.getsize(path) for path, _ in {**ours, **theirs} if os.path.isfile(path)}
    both = {sizes.get(path) for path, _ in ours} & {sizes.get(path) for path, _ in theirs} - {None, 0}
    content = {path: (size, *parts_of(path)) for path, size in sizes.items() if size in both}
    by_content = {(content[path], cut): file for (path, cut), file in ours.items() if path in content}
    found = {}
    for (path, cut), file in theirs.items():
        twin = ours.get((path, cut)) or by_content.get((content.get(path), cut))
        if twin is not None:
            found[file] = twin
    return found


def contradicting(samples: list[Sample]) -> dict[str, str]:
    """Files that an earlier sample has with other labels: by path, by where links lead, or by their content."""
    labelled = [(real(one.file), one) for one in samples if one.file and one.labels]
    sizes = {path: os.path.getsize(path) for path in {path for path, _ in labelled} if os.path.isfile(path)}
    often, first, found = Counter(sizes.values()), {}, {}
    for path, one in labelled:
        size = sizes.get(path, 0)
        content = (size, *parts_of(path)) if size and often[size] > 1 else path
        earlier = first.setdefault((content, one.cut), one)
        if earlier.labels != one.labels:
            found[one.file] = earlier.file
    return found


def real(file: str) -> str:
    """A file's place without links."""
    folder, name = os.path.split(file)
    path = os.path.join(real_folder(folder), name)
    return os.path.realpath(path) if os.path.islink(path) else path


@functools.lru_cache(maxsize=1 << 16)
def real_folder(folder: str) -> str:
    """The same of a folder; they are few, and to look is slow."""
    return os.path.realpath(folder)
