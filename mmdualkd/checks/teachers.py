"""What the teachers know of the training data, measured on a sample of it."""

import copy
import math
import random
from collections import Counter
from collections.abc import Iterator

import torch
from mmengine.registry import DATASETS
from scipy.optimize import linear_sum_assignment
from scipy.stats import binom, binomtest
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from ..dataset_configs import plain_configs
from ..datasets.labels import is_unlabelled
from ..datasets.wrappers import class_names, plain_datasets
from ..errors import listed
from ..findings import Finding
from ..hooks.preflight import hand_views
from ..machine import cores
from .accuracy import predict, with_pipeline
from .job import Job, batch_size

LEAST, MOST = 64, 512  # samples that teachers are shown
PER_CLASS = 5  # samples of a class, on average, from which an order of classes can be read
SURE = 0.7  # accuracy in another order of the classes that is no chance
UNLIKELY = 1e-3  # probability of an exchange by chance
ORDER = "number the labels as in the teacher's data set (classes.txt)"


def check_teachers(job: Job, samples: int | None) -> Iterator[Finding]:
    """Teachers know the data, and their classes stand in the data's order.

    Args:
        job: The training.
        samples: How many training samples they are shown; None takes enough to read an order of classes from.
    """
    names = list(getattr(job.model, 'teachers', {}))
    for name in job.untrained:
        yield Finding('fine', f'teacher {name}', 'not judged: its checkpoint is not there yet')
    models = {} if job.cached else {name: job.model.teachers[name] for name in names if name not in job.untrained}
    if job.cached:
        yield Finding('fine', 'teachers', 'not judged: they are read from a cache')
    elif job.model.multi_label if names else False:
        yield Finding('fine', 'teachers', 'not judged: a sample may have several labels')
        models = {}
    if not models:
        return
    if samples is None:
        samples = min(max(LEAST, PER_CLASS * (job.cfg.model.get('num_classes') or 0)), MOST)
    labels, scores = predict(job.model, models, _loader(job, samples))
    labels = torch.tensor(labels)
    kept, classes = labels >= 0, class_names(job.loader('train').dataset)
    for name, rows in scores.items():
        if kept.any():
            yield judge(f'teacher {name}', rows[kept].argmax(1), labels[kept], rows.size(1), classes)
        else:
            yield Finding('fine', f'teacher {name}', 'not judged: the training data have no labels')


def judge(what: str, answers: Tensor, labels: Tensor, classes: int, names: list[str]) -> Finding:
    """Says how good answers are, and whether they would be good in another order of the classes.

    Args:
        what: Whose they are.
        answers: Predicted classes (N,).
        labels: The right ones (N,).
        classes: Number of classes.
        names: Their names; may be none.
    """
    count = len(labels)
    right = (answers == labels).float().mean().item()
    chance = max(1 / classes, max(Counter(labels.tolist()).values()) / count)
    text = f'top-1 {right:.1%} on {count} training samples, chance is {chance:.1%}'
    met = torch.zeros(classes, classes)
    met.index_put_((labels, answers), torch.ones(count), accumulate=True)
    ours, theirs = linear_sum_assignment(-met.numpy())
    best = met[ours, theirs].sum().item() / count
    if best >= SURE and right < best / 2 and known(met[:, theirs]) and count >= PER_CLASS * len(labels.unique()):
        moved = [(a, b) for a, b in zip(ours.tolist(), theirs.tolist(), strict=True) if a != b and met[a, b]]
        text = f'{text}, but {best:.1%} in another order of the classes'
        return Finding('error', what, f'{text} ({listed(_told(moved, names))}): {ORDER}')
    if swapped := exchanged(met):
        text = f'{text}, but some of the classes stand in another order ({listed(_told(swapped, names))})'
        return Finding('error', what, f'{text}: {ORDER}')
    luck = 2 * math.sqrt(chance * (1 - chance) / count)
    if right < chance - luck:
        advice = 'that is less than guessing gives, as if its classes stood in another order: compare classes.txt'
        return Finding('warning', what, f'{text}; {advice}')
    if right <= chance + luck:
        advice = 'fine-tune it on this data set, or look at its checkpoint and view'
        return Finding('warning', what, f'{text}; it is no better than that: {advice}')
    return Finding('fine', what, text)


def known(met: Tensor) -> bool:
    """Whether answers agree with labels more often than they would if they did not depend on the sample.

    A binomial test, for the best of all orders of the classes. Answers that are the rare class always agree with the
    frequent one's labels in another order, and know nothing.

    Args:
        met: How many samples of a class (row) are taken for a class (column), the columns in that order.
    """
    count, agreed = round(met.sum().item()), round(met.trace().item())
    by_chance = (met.sum(0) * met.sum(1)).sum().item() / count**2
    others = max(math.factorial(int((met.sum(1) > 0).sum())) - 1, 1)  # orders, each of which may agree by chance
    return binom.logsf(agreed - 1, count, by_chance) + math.log(others) < math.log(UNLIKELY)


def exchanged(met: Tensor) -> list[tuple[int, int]]:
    """Classes that a model takes for each other, around in a circle, too often for chance.

    Most samples of each are taken for the next, and of all samples of the circle more than would be if a model that
    hesitates between right and next guessed (a binomial test).

    Args:
        met: How many samples of a class (row) are taken for a class (column).

    Returns:
        Each class with the one that it is taken for.
    """
    shares, taken = (met / met.sum(1, keepdim=True).clamp(min=1)).max(1)
    next_of = {a: b for a, b in enumerate(taken.tolist()) if shares[a] >= SURE and met[a].sum() >= PER_CLASS}
    found, seen = [], set()
    for first in next_of:
        circle = [first]
        while (following := next_of.get(circle[-1])) is not None and following not in circle:
            circle.append(following)
        if len(circle) < 2 or following != first or seen & set(circle):
            continue
        seen |= set(circle)
        moved = sum(int(met[a, next_of[a]]) for a in circle)
        either = moved + sum(int(met[a, a]) for a in circle)
        if binomtest(moved, either, alternative='greater').pvalue < UNLIKELY:
            found += [(a, next_of[a]) for a in circle]
    return found


def _told(moved: list[tuple[int, int]], names: list[str]) -> list[str]:
    return [f'it takes class {a}{_named(names, a)} for {b}{_named(names, b)}' for a, b in moved]


def _named(names: list[str], label: int) -> str:
    return f' ({names[label]})' if label < len(names) else ''


def _loader(job: Job, samples: int) -> DataLoader:
    """Labelled training data, some of them, as teachers are validated or, without such a pipeline, as they train."""
    pipeline, model = job.cfg.get('teacher_val_pipeline'), job.model
    if pipeline is None and model.of_pictures and job.has('val'):
        pipeline = next((part.get('pipeline') for _, part in plain_configs(job.cfg.val_dataloader.dataset)), None)
    cfg = copy.deepcopy(job.cfg.train_dataloader.dataset)
    dataset = DATASETS.build(cfg if pipeline is None else with_pipeline(cfg, pipeline))
    dataset.full_init()
    for plain in () if model.of_pictures else plain_datasets(dataset):
        hand_views(plain, model.plan, 'teacher_val_pipeline' if pipeline is not None else 'the train pipeline')
    labels = (dataset.get_data_info(index) for index in range(len(dataset)))
    known = [index for index, info in enumerate(labels) if not is_unlabelled(info.get('label', info.get('gt_label')))]
    known = known or list(range(len(dataset)))
    chosen = sorted(random.Random(0).sample(known, min(samples, len(known))))
    train = job.loader('train')
    workers = min(job.cfg.train_dataloader.get('num_workers', 0), cores())
    return DataLoader(Subset(dataset, chosen), batch_size(train), num_workers=workers, collate_fn=train.collate_fn)
