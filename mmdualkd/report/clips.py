"""Samples that distillation fixed and broke, as pictures."""

from pathlib import Path
from typing import Any

import numpy as np

from ..names import STUDENT
from .frames import frame
from .markup import Html, section, tag
from .networks import build_val_loader, ordered
from .subject import Subject

SHOWN = 8  # of each kind
EACH = 2  # of a class, as long as there are others


def clips(subject: Subject) -> Html | None:
    """Middle frames of the samples that the student alone and the distilled one answered differently and one rightly.

    Raises:
        DistillError: If the data cannot be read.
    """
    turn = subject.change
    if turn is None or not len(turn.fixed) + len(turn.broken):
        return None
    dataset = build_val_loader(ordered(subject.training.config)).dataset
    parts: list[Html] = []
    for name, places, of in (('Fixed', turn.fixed, subject.found), ('Broken', turn.broken, subject.found_alone)):
        chosen = choose(places, of.labels, of.confidence[STUDENT])
        cards = [_card(subject, dataset, int(place)) for place in chosen]
        words = f'{name}: {len(places)} samples' + (f', {len(chosen)} of them' if len(places) > len(chosen) else '')
        kind = 'good' if name == 'Fixed' else 'bad'
        parts += [tag('h3', words, class_=kind), tag('div', *cards, class_='clips')]
    note = 'The middle frame of what the student is shown, with its class, and the answers of the student alone → '
    note += f'{subject.name}. Those that the student is surest of, at first at most {EACH} of a class.'
    return section('Clips that changed', tag('p', note, class_='soft'), *parts)


def choose(places: np.ndarray, labels: np.ndarray, confidence: np.ndarray) -> list[int]:
    """Some of the samples, the most confident first, at most two of a class as long as there are others."""
    order = places[np.argsort(-confidence[places], kind='stable')]
    seen: dict[int, int] = {}
    first, rest = [], []
    for place in order.tolist():
        label = int(labels[place])
        seen[label] = seen.get(label, 0) + 1
        (first if seen[label] <= EACH else rest).append(place)
    return (first + rest)[:SHOWN]


def _card(subject: Subject, dataset: Any, place: int) -> Html:
    """A sample's picture and what was said of it."""
    found, classes = subject.found, subject.found.classes
    label = found.labels[place]
    truth = classes[label]
    address = frame(dataset, place)
    if address is None:
        picture = tag('div', 'does not decode', class_='blank', role='img', aria_label=f'{truth}: does not decode')
    else:
        picture = tag('img', src=address, alt=f'A frame of {truth}')
    file = Path(found.files[place]).name
    said = [part.predicted[STUDENT][place] for part in (subject.found_alone, found)]
    answers = [tag('span', classes[one], class_='good' if one == label else 'bad') for one in said]
    name = tag('div', file, class_='soft') if file else None
    caption = tag('figcaption', tag('strong', truth), tag('br'), answers[0], ' → ', answers[1], name)
    return tag('figure', picture, caption)
