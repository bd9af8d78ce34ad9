"""What the models of a page are called."""

import numpy as np
import pytest

from mmdualkd.report.predictions import Predictions
from mmdualkd.report.subject import Subject


def predictions(**predicted):
    labels = np.array([0, 1])
    confidence = dict.fromkeys(predicted, np.ones(2))
    return Predictions(['a', 'b'], ['', ''], labels, {k: np.array(v) for k, v in predicted.items()}, confidence)


@pytest.mark.parametrize('names', [('vit', 'cnn'), ('alone', 'distilled')])
def test_a_teacher_takes_no_students_place_whatever_it_is_called(names):
    found = predictions(student=[0, 1], **{names[0]: [1, 0], names[1]: [0, 0]})
    subject = Subject('', None, found, found_alone=predictions(student=[1, 1]))
    subject.name = subject.name_distilled
    models = subject.predictions()
    assert [one.right(model).mean() for one, model in models.values()] == [1.0, 0.5, 0.0, 0.5]
    assert list(models) == [subject.name, subject.name_alone, *names] == list(subject.colours)
    assert (subject.name, subject.name_alone) == (
        ('distilled', 'alone') if 'alone' not in names else ('student distilled', 'student alone')
    )
