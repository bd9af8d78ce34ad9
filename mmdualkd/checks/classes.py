"""Whether labels fit the model, and every class has samples to learn from."""

from collections import Counter
from collections.abc import Iterator

from mmengine.dataset import ClassBalancedDataset

from ..datasets.robust import source_of
from ..datasets.wrappers import class_names, plain_datasets
from ..errors import listed
from ..findings import Finding
from ..hooks.labels import check_labels
from .job import Job

IMBALANCE = 10


def check_labels_fit(job: Job) -> Iterator[Finding]:
    """Every label is one of the model's classes, also where no PreflightHook looks."""
    for split in job.splits():
        for dataset in plain_datasets(job.loader(split).dataset):
            check_labels(dataset, split, f'{split}_dataloader.dataset ({source_of(dataset)})', job.model)
    without = sum(not sample.labels for sample in job.samples('train'))
    some = f'; {without} of {len(job.samples("train"))} training samples have none' if without else ''
    yield Finding('fine', 'labels', f'all are among the {job.num_classes()} classes of the model{some}')


def check_classes(job: Job) -> Iterator[Finding]:
    """Every class has training samples, and none has far more than another."""
    counts = Counter(label for sample in job.samples('train') for label in sample.labels)
    if not counts:
        yield Finding('warning', 'classes', 'the training data have no labels: only terms between models can learn')
        return
    names, known = class_names(job.loader('train').dataset), job.num_classes()
    classes = range(known if known is not None else max(counts) + 1)
    if len(classes) == 1:
        yield Finding('error', 'classes', 'there is only one, so that every answer is right: name two or more')
        return
    named = {label: f'{label} ({names[label]})' if label < len(names) else str(label) for label in {*classes, *counts}}
    if empty := [named[label] for label in classes if not counts[label]]:
        text = f'{len(empty)} of {len(classes)} have no training sample and are never learned: {listed(empty)}'
        yield Finding('warning', 'classes', text)
    least, most = (pick(counts, key=counts.get) for pick in (min, max))
    span = f'{counts[least]} (class {named[least]}) to {counts[most]} (class {named[most]}) training samples each'
    if counts[most] > IMBALANCE * counts[least] and not isinstance(job.loader('train').dataset, ClassBalancedDataset):
        advice = 'rare ones will hardly be predicted: wrap the data set in ClassBalancedDataset, or collect more'
        yield Finding('warning', 'classes', f'{span}; {advice}')
    elif not empty:
        each = span if counts[most] > counts[least] else f'{counts[most]} training samples each'
        yield Finding('fine', 'classes', f'{len(classes)}, {each}')
