"""A student of whose samples some have no label: its own loss, the log, blending."""

import copy

import pytest
import tiny
import tiny_pictures
import torch
from mmaction.structures import ActionDataSample
from mmengine.registry import MODELS
from mmpretrain.structures import DataSample

from mmdualkd.distillers.labels import labelled_of, own_losses
from mmdualkd.errors import ConfigError
from mmdualkd.outputs import Outputs

LABELLED = [True, False, True, True, False]
CLASSES = 4
SEVERAL = torch.tensor([[1.0, 1, 0, 0], [-1, -1, -1, -1], [0, 0, 1, 0], [0, 0, 0, 0], [-1, -1, -1, -1]])
CLIP, PICTURE = ('mmaction.I3DHead', 'cls_head'), ('mmpretrain.LinearClsHead', 'head')
WEIGHTS = [1.0, 2.0, 0.5, 3.0]
HEADS = {
    'clips': (CLIP, dict()),
    'smoothed': (CLIP, dict(label_smooth_eps=0.1)),
    'class weights': (CLIP, dict(loss_cls=dict(type='CrossEntropyLoss', class_weight=WEIGHTS))),
    'several labels': (CLIP, dict(multi_class=True, loss_cls=dict(type='BCELossWithLogits', class_weight=WEIGHTS))),
    'pictures': (PICTURE, dict(loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1), cal_acc=True)),
    'pictures, class weights': (PICTURE, dict(loss=dict(type='CrossEntropyLoss', class_weight=WEIGHTS))),
}


def student(head):
    """A model with such a head and nothing else."""
    (kind, name), changes = HEADS[head]
    model = torch.nn.Module()
    setattr(model, name, MODELS.build(dict(type=kind, num_classes=CLASSES, in_channels=8, **changes)))
    if name == 'cls_head' and model.cls_head.loss_cls.class_weight is not None:
        model.cls_head.loss_cls.class_weight = torch.tensor(WEIGHTS, dtype=torch.double)  # no buffer
    return model


def samples(head):
    cls = DataSample if HEADS[head][0] is PICTURE else ActionDataSample
    labels = SEVERAL if head == 'several labels' else [index if has else -1 for index, has in enumerate(LABELLED)]
    return [cls().set_gt_label(label) for label in labels]


@pytest.mark.parametrize('head', HEADS)
def test_the_own_loss_of_a_mixed_batch_is_that_of_its_labelled_part(head):
    model, batch = student(head), samples(head)
    logits = torch.randn(5, CLASSES, dtype=torch.double, requires_grad=True)
    labelled = labelled_of(batch)
    assert labelled == LABELLED
    ours = own_losses(model, Outputs(logits, None, None), batch, labelled, torch.tensor(3.0))
    part = Outputs(logits[LABELLED], None, None)
    theirs = own_losses(model, part, [one for one, has in zip(batch, LABELLED, strict=True) if has])
    assert ours.keys() == theirs.keys() and 'loss_cls' in ours
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0, check_dtype=False)
    gradients = [torch.autograd.grad(losses['loss_cls'], logits)[0] for losses in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-15)
    assert gradients[0][0].any() and not gradients[0][1].any()


def clips(model, labels):
    data = tiny.batch(model.plan.num_frames, count=len(labels))
    for sample, label in zip(data['data_samples'], labels, strict=True):
        sample.set_gt_label(label)
    return data


@pytest.fixture(scope='module')
def distiller(tmp_path_factory):
    """The default method with a term that reads labels and no batch norm; without dropout."""
    terms = dict(
        kd=dict(type='FusedKD'),
        sdd=dict(type='SDD'),
        rkd=dict(type='RKD', teacher='vit'),
        ofa=dict(type='OFA', source='cnn'),
    )
    return tiny.build_distiller(tmp_path_factory.mktemp('models'), tiny.resnet3d(norm='GN'), terms=terms)


def test_terms_take_all_clips_the_own_loss_and_the_log_those_with_labels(distiller):
    mixed = tiny.step_losses(distiller, clips(distiller, [1, -1, 3, -1]))
    whole = tiny.step_losses(distiller, clips(distiller, [1, 0, 3, 2]))
    part = clips(distiller, [1, 0, 3, 2])
    alone = tiny.step_losses(distiller, {name: values[::2] for name, values in part.items()})
    assert mixed.keys() == whole.keys()
    for name in ('loss_kd', 'loss_rkd', 'kd/target_entropy', 'sdd/residual_std'):
        assert torch.equal(mixed[name], whole[name]), name
    for name in ('loss_cls', 'loss_ofa', 'top1_acc', 'batch_acc/student', 'batch_acc/vit', 'batch_acc/cnn'):
        torch.testing.assert_close(mixed[name], alone[name], check_dtype=False)
    assert mixed['loss_sdd'] != whole['loss_sdd']


def test_a_batch_without_a_label_teaches_by_the_other_terms_and_leaves_no_accuracy_in_the_log(distiller):
    losses = tiny.step_losses(distiller, clips(distiller, [-1] * 4))
    assert losses['loss_cls'] == 0 and losses['loss_ofa'] == 0 and losses['loss_kd'] > 0
    assert not any('acc' in name for name in losses)
    distiller.zero_grad()
    distiller.parse_losses(losses)[0].backward()
    for name, parameter in distiller.named_parameters():  # all are in the graph, as DDP asks
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
    assert distiller.student.backbone.conv1.conv.weight.grad.any()


def test_a_batch_whose_clips_all_have_labels_is_what_it_was_whatever_the_data(distiller):
    before = tiny.step_losses(distiller, clips(distiller, [1, 0, 3, 2]))
    distiller = copy.deepcopy(distiller)
    distiller.expect_unlabelled()
    after = tiny.step_losses(distiller, clips(distiller, [1, 0, 3, 2]))
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_several_clips_a_video_share_its_label_or_have_none(tmp_path):
    views = {name: dict(clip_len=4, size=16, num_clips=2) for name in ('student', 'vit', 'cnn')}
    model = tiny.build_distiller(tmp_path, tiny.resnet3d(norm='GN'), views=views)
    mixed = clips(model, [1, -1])
    alone = {name: values[:1] for name, values in copy.deepcopy(mixed).items()}
    assert torch.allclose(tiny.step_losses(model, mixed)['loss_cls'], tiny.step_losses(model, alone)['loss_cls'])


@pytest.mark.parametrize('kind', ['MixupBlending', 'CutmixBlending'])
def test_clips_with_labels_are_blended_among_themselves_and_so_are_the_others(tmp_path, kind):
    model = tiny.build_distiller(tmp_path, terms={}, blending=dict(type=kind, num_classes=4, alpha=1.0))
    labels = [1, -1, 3, -1, 2]
    data = clips(model, labels)
    shade = [100.0 if label < 0 else 0.0 for label in labels]  # a blend of both kinds would be between the two
    data['inputs'] = [torch.full_like(clip, value) for clip, value in zip(data['inputs'], shade, strict=True)]
    blended = model.data_preprocessor(data, training=True)
    assert blended['labelled'] == [True, False, True, False, True]
    expected = torch.tensor(shade).view(-1, 1, 1, 1, 1, 1).expand_as(blended['inputs'])
    torch.testing.assert_close(blended['inputs'], expected)
    soft = torch.stack([blended['data_samples'][index].gt_label for index in (0, 2, 4)])
    torch.testing.assert_close(soft.sum(1), torch.ones(3))
    assert not soft[:, 0].any()
    assert model(**blended, mode='loss')['loss_cls'] > 0


def test_pictures_are_blended_apart_too(tmp_path):
    changes = dict(terms=dict(kd=dict(type='FusedKD')), blending=dict(augments=dict(type='Mixup', alpha=1.0)))
    model = tiny_pictures.build_distiller(tmp_path, tiny_pictures.cnn(), tiny_pictures.vit(), **changes)
    data = tiny_pictures.batch()
    for index in (1, 2):
        data['data_samples'][index].set_gt_label(-1)
        data['inputs'][index] = 100
    blended = model.data_preprocessor(data, training=True)
    torch.testing.assert_close(blended['inputs'][1], torch.full_like(blended['inputs'][1], 100))
    assert blended['labelled'] == [True, False, False, True]
    scores = torch.stack([blended['data_samples'][index].gt_score for index in (0, 3)])
    torch.testing.assert_close(scores.sum(1), torch.ones(2))
    losses = model(**blended, mode='loss')
    assert losses['loss_cls'] > 0 and losses['loss_kd'] > 0


def test_a_neck_that_learns_from_labels_by_itself_is_refused(distiller):
    distiller = copy.deepcopy(distiller)
    distiller.some_unlabelled = False
    distiller.student.neck = torch.nn.Module()
    distiller.student.neck.aux_head = torch.nn.Linear(1, 1)
    with pytest.raises(ConfigError, match='the neck Module learns from labels by its own aux_head, and training data'):
        distiller.expect_unlabelled()
    with pytest.raises(ConfigError, match='aux_head'):
        distiller(**distiller.data_preprocessor(clips(distiller, [0, -1]), training=True), mode='loss')
