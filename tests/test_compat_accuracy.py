"""The cure of MMAction2's mean class accuracy; how cures are tested see test_compat.py."""


def test_the_mean_class_accuracy_is_over_the_classes_that_samples_have(fault_and_cure):
    code = """
import sys, types
sys.modules['mmaction.models.localizers.drn'] = types.ModuleType('drn')
sys.modules['mmaction.models.localizers.drn.drn'] = types.SimpleNamespace(DRN=None)
import numpy as np
import torch
from mmaction.evaluation import AccMetric, mean_class_accuracy
from mmaction.structures import ActionDataSample
def mean(labels, predicted):
    metric, scores = AccMetric(), torch.eye(5)[predicted]
    for label, score in zip(labels, scores):
        metric.process(None, [ActionDataSample().set_gt_label(label).set_pred_score(score).to_dict()])
    found = metric.compute_metrics(metric.results)['mean1']
    assert found == mean_class_accuracy(list(scores.numpy()), labels)
    return float(found)
for labels, predicted, expected in (
    ([0, 0, 1, 2], [0, 1, 1, 0], 0.5),
    ([0, 0, 1], [0, 0, 3], 0.5),  # no sample is of class 3
    ([0, 0, 1, 2, -1, -1], [0, 0, 1, 2, 2, 4], 1.0),  # -1 is no class, nor the highest one
    ([-1, -1], [0, 1], 0.0),
):
    found = mean(labels, predicted)
    assert found == expected, f'{labels} and {predicted} give {found}, not {expected}'
"""
    fault_and_cure(code, '[0, 0, 1] and [0, 0, 3] give')
