"""Class by class where there are many."""

import re
from pathlib import Path

import numpy as np

from mmdualkd.report.classes import confusion, gains
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
