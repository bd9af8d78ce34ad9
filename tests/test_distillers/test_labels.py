"""Labels as the terms read them."""

import pytest
import tiny
import torch
from mmaction.models import Recognizer3D
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from mmdualkd.distillers.labels import label_distributions
from mmdualkd.errors import ConfigError


def samples(*labels):
    return [ActionDataSample().set_gt_label(label) for label in labels]


def test_hard_labels_are_one_hot_and_soft_ones_stay_as_they_are():
    soft = torch.tensor([[0.3, 0.7, 0.0], [0.1, 0.1, 0.8]])
    torch.testing.assert_close(label_distributions(samples(2, 0), 3), torch.tensor([[0.0, 0, 1], [1, 0, 0]]))
    assert torch.equal(label_distributions(samples(*soft), 3), soft)


def test_a_clip_of_several_labels_shares_one_among_them():
    rows = torch.tensor([[1.0, 1, 0], [0, 1, 0], [0, 0, 0]])
    expected = torch.tensor([[0.5, 0.5, 0], [0, 1, 0], [0, 0, 0]])
    assert torch.equal(label_distributions(samples(*rows), 3, multi_label=True), expected)


def several():
    """A student whose clips may have several labels."""
    student = tiny.resnet3d()
    student['cls_head'].update(multi_class=True, loss_cls=dict(type='BCELossWithLogits'))
    return student


@pytest.mark.parametrize('kind', ['OFA', 'DKD'])
def test_terms_that_read_one_label_say_so_when_they_are_built(tmp_path, kind):
    with pytest.raises(ConfigError, match=rf'model.terms.one \({kind}\) asks for one label a sample'):
        tiny.build_distiller(tmp_path, several(), terms=dict(one=dict(type=kind, source='vit')))


def test_a_student_of_several_labels_learns_by_the_default_terms(tmp_path):
    model = tiny.build_distiller(tmp_path, several())
    data = tiny.batch(model.plan.num_frames)
    for sample, row in zip(data['data_samples'], torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 0]] * 2), strict=True):
        sample.set_gt_label(row)
    losses = tiny.step_losses(model, data)
    assert {'loss_cls', 'loss_kd', 'loss_rkd'} <= set(losses)
    assert all(value.isfinite().all() for name, value in losses.items() if 'loss' in name)


class Regularised(Recognizer3D):
    """One's own recognizer, which adds to its loss."""

    def loss(self, inputs, data_samples, **kwargs):
        return dict(super().loss(inputs, data_samples, **kwargs), loss_more=self.backbone.conv1.conv.weight.norm())


def test_a_student_with_a_loss_of_its_own_is_refused_which_would_be_left_out(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS._module_dict, 'Regularised', Regularised)
    student = tiny.resnet3d() | dict(type='Regularised')
    with pytest.raises(ConfigError, match=r'model.student: Regularised has a loss\(\) of its own'):
        tiny.build_distiller(tmp_path, student)
    monkeypatch.delattr(Regularised, 'loss')
    tiny.build_distiller(tmp_path, student)
