"""Class by class: what distillation gained, and what is taken for what."""

import numpy as np

from ..names import STUDENT
from . import charts
from .markup import Html, chart, row, section, table, tag
from .measures import class_accuracies, class_counts, confuse, most_confused
from .subject import Subject, percent

MANY = 30  # classes: more make no matrix that can be read
ENDS = 12  # classes at either end of a list that is cut
PAIRS = 10


def gains(subject: Subject) -> Html | None:
    """How each class's accuracy changed."""
    if subject.change is None:
        return None
    found, classes = subject.found, len(subject.found.classes)
    before = class_accuracies(found.labels, subject.found_alone.predicted[STUDENT], classes)
    after = class_accuracies(found.labels, found.predicted[STUDENT], classes)
    gain = 100 * (after - before)
    places = cut(np.argsort(-np.nan_to_num(gain, nan=-np.inf), kind='stable'), gain)
    picture = charts.bars(
        'Gain of each class over the student alone in points of top-1',
        [found.classes[place] for place in places], gain[places],
        title='gain over the student alone', xlabel='points of top-1',
    )  # fmt: skip
    better, worse = int((gain > 0).sum()), int((gain < 0).sum())
    counts = class_counts(found.labels, classes)
    note = f'{better} classes are better, {worse} worse.{left_out(places, found.classes)}'
    rows = [
        (found.classes[place], counts[place], percent(before[place]), percent(after[place]), f'{gain[place]:+.1f}')
        for place in places
    ]
    head = ('class', 'samples', 'alone %', f'{subject.name} %', 'gain')
    return section(
        'Gain by class',
        row(chart(picture, note)),
        tag('details', tag('summary', 'The same as a table'), table(head, rows)),
    )


def confusion(subject: Subject) -> Html | None:
    """What classes were taken for, before and after."""
    if subject.found is None:
        return None
    found, classes = subject.found, len(subject.found.classes)
    after = confuse(found.labels, found.predicted[STUDENT], classes)
    students = {subject.name: after}
    if subject.found_alone is not None:
        before = confuse(found.labels, subject.found_alone.predicted[STUDENT], classes)
        students = {'alone (before)': before, f'{subject.name} (after)': after}
    figures: list[Html] = []
    for name, counts in students.items() if classes <= MANY else ():
        rows = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        picture = charts.matrix(
            f'Confusion of the student, {name}: percent of each class (row) by what was said (column)', rows,
            found.classes, found.classes, title=name, xlabel='said', ylabel='class',
        )  # fmt: skip
        figures.append(
            chart(picture, f'Percent of each class; {percent(np.trace(counts) / len(found.labels))} % right.')
        )
    matrices = list(students.values())
    worst = most_confused(sum(matrices[1:], matrices[0]), PAIRS)
    sizes = after.sum(axis=1)
    head = ('class', 'taken for', 'samples', *students)
    rows = [
        (found.classes[one], found.classes[other], sizes[one], *(counts[one, other] for counts in matrices))
        for one, other in worst
    ]
    words = 'The most frequent confusions, in samples.'
    if classes > MANY:
        words += f' A matrix of {classes} classes could not be read.'
    if rows:
        figures.append(tag('div', tag('p', words, class_='soft'), table(head, rows, text=2)))
    return section('Confusion', row(*figures)) if figures else None


def cut(order: np.ndarray, values: np.ndarray) -> np.ndarray:
    """An order without classes of no sample; of many classes its two ends."""
    order = order[~np.isnan(values[order])]
    return order if len(order) <= 2 * ENDS else np.concatenate([order[:ENDS], order[-ENDS:]])


def left_out(places: np.ndarray, classes: list[str]) -> str:
    """What a list that was cut says of the rest."""
    left = len(classes) - len(places)
    return f' The {left} classes between them (or without samples) are left out.' if left else ''
