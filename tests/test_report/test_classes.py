"""Class by class where there are many."""

import re
from pathlib import Path

import numpy as np

from mmdualkd.report.classes import confusion, gains
from mmdualkd.report.learning import weights
from mmdualkd.report.models import overview
from mmdualkd.report.predictions import Predictions
from mmdualkd.report.subject import Subject
from mmdualkd.report.training import Training

CLASSES = 40


def predictions(predicted):
    """Of ten samples a class."""
    labels = np.arange(10 * CLASSES) % CLASSES
    return Predictions(
        [f'word{number}' for number in range(CLASSES)], [''] * len(labels), labels, dict(student=predicted(labels))
    )


def test_of_many_classes_the_most_confused_pairs_and_both_ends_of_the_gains_are_shown():
    after = predictions(lambda labels: np.where(labels == 3, 4, labels))  # takes all of class 3 for class 4
    before = predictions(lambda labels: np.where(labels > 5, 0, labels))
    training = Training(Path(), {}, {})
    subject = Subject('distilled', training, after, training, before)
    text = ' '.join(re.sub(r'<[^>]*>', ' ', confusion(subject)).split())
    assert 'A matrix of 40 classes could not be read' in text and '<svg' not in confusion(subject)
    assert 'word3 word4 10 0 10' in text and 'word6 word0 10 10 0' in text
    text = ' '.join(re.sub(r'<[^>]*>', ' ', gains(subject)).split())
    assert '34 classes are better, 1 worse. The 16 classes between them' in text
    assert 'word6 10 0.0 100.0 +100.0' in text and 'word3 10 100.0 0.0 -100.0' in text


def test_samples_of_none_of_the_classes_count_as_wrong_and_are_in_no_class():
    """A test of EPIC-KITCHENS-100 has actions that the training data lack."""
    after = predictions(lambda labels: labels)
    before = predictions(lambda labels: np.zeros_like(labels))
    after.labels = before.labels = np.where(after.labels == CLASSES - 1, -1, after.labels)
    after.weights = {
        f'kd/{name}': np.full(len(after.labels), share) for name, share in dict(vit=0.25, cnn=0.75).items()
    }
    after.predicted |= dict(vit=after.labels, cnn=after.labels)
    for found in (before, after):
        found.confidence = dict.fromkeys(found.predicted, np.ones(len(found.labels)))
    training = Training(Path(), {}, {})
    subject = Subject('distilled', training, after, training, before)
    texts = [' '.join(re.sub(r'<[^>]*>', ' ', part(subject)).split()) for part in (overview, gains, confusion, weights)]
    assert 'distilled 97.5' in texts[0] and 'Of none of these are 10, which count as wrong.' in texts[0]
    assert '38 classes are better, 0 worse' in texts[1] and 'word39' not in ' '.join(texts)
    assert 'word1 word0 10 10 0' in texts[2] and 'vit 0.25, cnn 0.75' in texts[3]
