"""The course of a training: accuracy, losses, and how much each teacher counts."""

import numpy as np

from ..names import STUDENT
from . import charts
from .classes import cut, left_out
from .markup import Html, chart, row, section
from .measures import class_means
from .subject import Subject


def learning(subject: Subject) -> Html | None:
    """Validation accuracy, losses and accuracies on the batches over the course of training."""
    trainings = {subject.name: subject.training}
    if subject.alone is not None:
        trainings[subject.name_alone] = subject.alone
    trainings |= subject.others
    top1 = {
        name: (list(one.validations), list(one.validations.values()))
        for name, one in trainings.items()
        if one.validations
    }
    figures = []
    if top1:
        ends = ', '.join(f'{name} ends at {values[-1]:.1f} %' for name, (_, values) in top1.items())
        picture = charts.lines(
            f'Validation top-1 by epoch: {ends}', top1, colours=subject.colours,
            title='validation top-1', xlabel='epoch', ylabel='%',
        )  # fmt: skip
        figures.append(chart(picture, f'{ends}.'))
    own = subject.training
    losses = {key.removeprefix('loss_'): own.curve(key) for key in own.keys(r'loss_\w+')}
    if len(losses) < 2:
        losses = {'loss': own.curve('loss')} if own.entries else {}
    if losses:
        picture = charts.lines(
            f'Losses by iteration: {", ".join(losses)}', losses, title='losses, as weighted', xlabel='iteration',
            yscale='log' if all(min(values) > 0 for _, values in losses.values()) else 'linear',
        )  # fmt: skip
        figures.append(chart(picture, f'The losses of the {subject.name} training; it minimises their sum.'))
    batch = {key.partition('/')[2]: own.curve(key) for key in own.keys('batch_acc/.+')}
    batch = {name: (steps, [100 * value for value in values]) for name, (steps, values) in batch.items()}
    if batch:
        names = {subject.name if name == STUDENT else name: curve for name, curve in batch.items()}
        picture = charts.lines(
            f'Top-1 on the training batches: {", ".join(names)}', names, colours=subject.colours,
            title='top-1 on training batches', xlabel='iteration', ylabel='%',
        )  # fmt: skip
        figures.append(chart(picture, 'On augmented (mixed, where the config mixes) training samples.'))
    return section('Learning curves', row(*figures)) if figures else None


def weights(subject: Subject) -> Html | None:
    """How much each teacher counts, over the training and by class."""
    figures, own = [], subject.training
    for term in dict.fromkeys(key.partition('/')[0] for key in own.keys(r'[^/]+/weight_.+')):
        keys = [key for key in own.keys(rf'{term}/weight_.+') if not key.endswith('_std')]
        if len(keys) < 2:
            continue
        curves = {key.partition('/weight_')[2]: own.curve(key) for key in keys}
        bands = {}
        for name, (_, values) in curves.items():
            spread = own.curve(f'{term}/weight_{name}_std')[1]
            if len(spread) == len(values):
                bands[name] = (np.subtract(values, spread), np.add(values, spread))
        means = ', '.join(f'{name} {np.mean(values):.2f}' for name, (_, values) in curves.items())
        picture = charts.lines(
            f'Mean weight of each teacher by iteration ({term}): {means} on average', curves, bands,
            colours=subject.colours, title=f'weights of the teachers ({term})', xlabel='iteration', ylim=(0, 1),
        )  # fmt: skip
        figures.append(chart(picture, f'Mean over a batch, the band a standard deviation. On average: {means}.'))
    found = subject.found
    terms = dict.fromkeys(key.partition('/')[0] for key in found.weights) if found else ()
    for term in terms:
        shares = {
            key.partition('/')[2]: class_means(found.labels, values, len(found.classes))
            for key, values in found.weights.items()
            if key.startswith(f'{term}/')
        }
        first, values = next(iter(shares.items()))
        if len(shares) < 2:
            continue
        places = cut(np.argsort(-values, kind='stable'), values)
        picture = charts.parts(
            f'Mean weight of each teacher by class ({term})', [found.classes[place] for place in places],
            {name: np.nan_to_num(values[places]) for name, values in shares.items()}, subject.colours,
            title=f'weights by class ({term})', xlabel='mean weight',
        )  # fmt: skip
        means = ', '.join(f'{name} {found.weights[f"{term}/{name}"].mean():.2f}' for name in shares)
        note = f'On validation samples, by the end of training; most of {first} at the top. All classes: {means}.'
        figures.append(chart(picture, note + left_out(places, found.classes)))
    return section('Weights of the teachers', row(*figures)) if figures else None
