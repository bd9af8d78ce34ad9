"""Each model's own accuracy on the batch stands in the log."""

import tiny
import torch

from mmdualkd.distillers.accuracy import batch_accuracies
from mmdualkd.losses.term import Step
from mmdualkd.outputs import Outputs
from mmdualkd.teachers.readings import Reading, StoredOutputs


def outputs(*predicted):
    """Outputs that give each row's class the highest score."""
    logits = torch.eye(3)[list(predicted)]
    return Outputs(logits, logits, logits[..., None, None, None])


def step(labels, **kwargs):
    teachers = dict(vit=outputs(0, 1, 2, 2), cnn=outputs(1, 0, 1, 0))
    return Step(outputs(0, 1, 0, 0), teachers, torch.as_tensor(labels), **kwargs)


HARD = torch.eye(3)[[0, 1, 2, 2]]


def test_it_is_the_part_of_the_batch_that_each_model_is_right_about():
    found = batch_accuracies(step(HARD, assistant=outputs(2, 2, 2, 2)))
    expected = {'batch_acc/student': 0.5, 'batch_acc/vit': 1.0, 'batch_acc/cnn': 0.0, 'batch_acc/assistant': 0.5}
    assert {name: float(value) for name, value in found.items()} == expected


def test_of_blended_samples_the_larger_part_counts_and_of_several_labels_none():
    blended = 0.7 * HARD + 0.3 * HARD[[1, 0, 1, 0]]
    assert float(batch_accuracies(step(blended))['batch_acc/vit']) == 1.0
    assert batch_accuracies(step(HARD, multi_label=True)) == {}


def test_a_cache_without_a_teachers_logits_leaves_it_out():
    one = step(HARD)
    values = {Reading('vit', 'logits'): one.teachers['vit'].logits}
    one.teachers = {name: StoredOutputs(name, None, values) for name in ('vit', 'cnn')}
    assert set(batch_accuracies(one)) == {'batch_acc/student', 'batch_acc/vit'}


def test_a_distiller_logs_them_beside_its_losses_and_adds_none_to_the_loss(tmp_path):
    model = tiny.build_distiller(tmp_path)
    losses = tiny.step_losses(model, tiny.batch(model.plan.num_frames))
    found = {name for name in losses if name.startswith('batch_acc/')}
    assert found == {'batch_acc/student', 'batch_acc/vit', 'batch_acc/cnn'}
    assert float(losses['batch_acc/student']) == float(losses['top1_acc'])
    assert not any('loss' in name or losses[name].requires_grad for name in found)
