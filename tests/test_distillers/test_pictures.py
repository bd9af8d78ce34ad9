"""A distiller of MMPretrain's classifiers."""

import copy

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS
from mmpretrain.structures import DataSample
from tiny import step_losses
from tiny_pictures import CLASSES, PREPROCESSOR, batch, build_distiller, build_plain, cnn, mixer, vit

from mmdualkd.errors import ConfigError

KD = dict(kd=dict(type='FusedKD', weighting=dict(type='Uniform')))


def gradients(model):
    return {name: value.grad for name, value in model.named_parameters() if value.grad is not None}


@pytest.mark.parametrize('student', [cnn(), vit(drop_rate=0.2), mixer()])
def test_zero_weights_leave_a_classifiers_gradients_exactly_those_of_plain_training(tmp_path, student):
    distiller = build_distiller(tmp_path, student, vit(), terms=dict(kd={**KD['kd'], 'weight': 0.0}))
    plain = build_plain(student).train()
    plain.load_state_dict(distiller.student.state_dict())
    torch.manual_seed(1)
    total, log = distiller.parse_losses(step_losses(distiller, batch()))
    total.backward()
    torch.manual_seed(1)
    theirs, _ = plain.parse_losses(step_losses(plain, batch()))
    theirs.backward()
    assert total.item() == theirs.item() and {'loss', 'loss_cls', 'loss_kd', 'kd/target_entropy'} <= set(log)
    assert gradients(plain)
    for name, gradient in gradients(plain).items():
        assert torch.equal(gradients(distiller.student)[name], gradient), name


def test_each_model_sees_the_picture_as_its_own_preprocessor_makes_it(tmp_path):
    distiller = build_distiller(tmp_path, cnn(), vit(), terms=KD)
    shared = distiller.data_preprocessor(batch(), training=True)['inputs']
    for name, model in dict(student=distiller.student, **distiller.teachers).items():
        stock = model.data_preprocessor(batch(), training=False)['inputs']
        assert torch.equal(distiller.views[name](shared), stock)


def test_a_view_of_another_size_is_resized(tmp_path):
    views = dict(student=dict(size=16), teacher=dict(size=32))
    distiller = build_distiller(tmp_path, cnn(), vit(), terms=KD, views=views)
    shared = distiller.data_preprocessor(batch(), training=True)['inputs']
    assert distiller.views['student'](shared).shape == (4, 3, 16, 16)
    assert torch.isfinite(step_losses(distiller, batch())['loss_kd'])


def test_evaluation_is_the_plain_students(tmp_path):
    distiller = build_distiller(tmp_path, cnn(), vit(), terms=KD).eval()
    ours = distiller.val_step(batch())
    theirs = distiller.student.val_step(batch())
    assert [sample.pred_label.tolist() for sample in ours] == [sample.pred_label.tolist() for sample in theirs]
    assert all(torch.equal(a.pred_score, b.pred_score) for a, b in zip(ours, theirs, strict=True))


def test_mixup_gives_all_models_one_blend_and_the_terms_its_soft_labels(tmp_path):
    blending = dict(augments=[dict(type='Mixup', alpha=0.8), dict(type='CutMix', alpha=1.0)])
    distiller = build_distiller(tmp_path, cnn(), vit(), terms=KD, blending=blending)
    seen = {}
    distiller.terms['kd'].register_forward_pre_hook(lambda _, args: seen.update(labels=args[0].labels))
    for seed in range(4):
        torch.manual_seed(seed)
        assert torch.isfinite(distiller.parse_losses(step_losses(distiller, batch()))[0])
        assert torch.allclose(seen['labels'].sum(dim=1), torch.ones(4))
    assert (seen['labels'] > 0).sum() > 4, 'no label is soft'


def headed(model, **head):
    """A model config with another head."""
    model = copy.deepcopy(model)
    model['head'] = dict(num_classes=CLASSES, in_channels=model['head']['in_channels'], **head)
    return model


@pytest.mark.parametrize(
    'loss', [dict(type='CrossEntropyLoss', use_sigmoid=True), dict(type='CrossEntropyLoss', use_soft=True)]
)
@pytest.mark.parametrize('asked', [True, False])
def test_a_loss_that_takes_labels_as_rows_has_them_where_nothing_is_blended(tmp_path, loss, asked):
    student = headed(cnn(), type='LinearClsHead', loss=loss)
    student['data_preprocessor'] = {**PREPROCESSOR, 'to_onehot': True}
    plain = build_plain(student).train()
    student['data_preprocessor'] = {**PREPROCESSOR, 'to_onehot': asked}  # models that blend have it from MMPretrain
    distiller = build_distiller(tmp_path, student, cnn(), terms=KD)
    plain.load_state_dict(distiller.student.state_dict())
    data = batch()
    theirs = step_losses(plain, data)
    assert step_losses(distiller, data)['loss_cls'] == theirs['loss']
    data['data_samples'] = [DataSample().set_gt_label(label) for label in (1, -1, 3, -1)]
    assert torch.isfinite(distiller.parse_losses(step_losses(distiller, data))[0])


SEVERAL = headed(cnn(), type='MultiLabelLinearClsHead')


@pytest.mark.parametrize('rows', [[[0, 1], [2, 3], [1, 2]], [[0, 1], [], [1, 2, 3]]])
def test_pictures_of_several_labels_have_the_plain_loss_and_share_one_among_them(tmp_path, rows):
    terms = dict(kd=dict(type='FusedKD', weighting=dict(type='CAMKD')))
    distiller = build_distiller(tmp_path, SEVERAL, cnn(), terms=terms)
    data, seen = batch(len(rows)), {}
    data['data_samples'] = [DataSample().set_gt_label(row) for row in rows]
    distiller.terms['kd'].register_forward_pre_hook(lambda _, args: seen.update(labels=args[0].labels))
    plain = build_plain(SEVERAL).train()
    plain.load_state_dict(distiller.student.state_dict())
    theirs = step_losses(plain, data)
    assert step_losses(distiller, data)['loss_cls'] == theirs['loss']
    expected = torch.tensor([[(index in row) / max(len(row), 1) for index in range(CLASSES)] for row in rows])
    assert torch.equal(seen['labels'], expected)


def test_pictures_of_several_labels_are_mixed_as_mmpretrain_mixes_them(tmp_path):
    augments = dict(augments=[dict(type='Mixup', alpha=1.0)])
    distiller = build_distiller(tmp_path, SEVERAL, cnn(), terms=KD, blending=augments)
    stock = MODELS.build({**PREPROCESSOR, '_scope_': 'mmpretrain', 'to_onehot': True, 'batch_augments': augments})
    data = batch(3)
    data['data_samples'] = [DataSample().set_gt_label(row) for row in ([0, 1], [2], [1, 2, 3])]
    scores = []
    for preprocessor in (distiller.data_preprocessor, stock):
        np.random.seed(0)
        torch.manual_seed(0)
        samples = preprocessor(copy.deepcopy(data), training=True)['data_samples']
        scores.append(torch.stack([sample.gt_score for sample in samples]))
    assert torch.equal(*scores) and ((scores[0] > 0) & (scores[0] < 1)).any()


@pytest.mark.parametrize(
    ('head', 'blending', 'message'),
    [
        (dict(type='ArcFaceClsHead'), None, 'model.student: ArcFaceClsHead has a loss'),
        (dict(type='LeViTClsHead'), None, r'LeViTClsHead is not trained .*head\.distillation=False'),
        (dict(type='EfficientFormerClsHead'), None, 'EfficientFormerClsHead is not trained'),
        (dict(type='LinearClsHead', cal_acc=True), dict(augments=dict(type='Mixup', alpha=1.0)), 'cal_acc=True counts'),
    ],
)
def test_a_head_whose_loss_would_be_another_than_in_plain_training_is_refused(tmp_path, head, blending, message):
    with pytest.raises(ConfigError, match=message):
        build_distiller(tmp_path, headed(cnn(), **head), cnn(), terms=KD, blending=blending)


def test_blending_that_mmpretrain_does_not_know_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match=r'model\.blending'):
        build_distiller(tmp_path, cnn(), vit(), terms=KD, blending=dict(type='MixupBlending'))


def test_a_view_of_several_frames_is_refused(tmp_path):
    views = dict(student=dict(size=32, clip_len=4), teacher=dict(size=32))
    with pytest.raises(ConfigError, match=r'views\.student'):
        build_distiller(tmp_path, cnn(), vit(), terms=KD, views=views)


def test_a_view_that_the_models_preprocessor_would_pad_is_refused(tmp_path):
    student = {**cnn(), 'data_preprocessor': {**PREPROCESSOR, 'pad_size_divisor': 24}}
    with pytest.raises(ConfigError, match=r'model\.views\.student\.size=32: .* multiples of pad_size_divisor=24'):
        build_distiller(tmp_path, student, vit(), terms=KD)
    student['data_preprocessor']['pad_size_divisor'] = 16
    build_distiller(tmp_path, student, vit(), terms=KD)


def test_pictures_that_are_not_packed_or_of_several_sizes_are_one_clear_error(tmp_path):
    preprocess = build_distiller(tmp_path, cnn(), vit(), terms={}).data_preprocessor
    samples = [DataSample(metainfo=dict(img_path=name)).set_gt_label(0) for name in ('a.jpg', 'b.jpg')]
    inputs = [torch.zeros(3, 8, 8, dtype=torch.uint8), torch.zeros(3, 8, 9, dtype=torch.uint8)]
    sizes = r'several sizes, \(3, 8, 8\) of a\.jpg and \(3, 8, 9\) of b\.jpg: let it crop or resize'
    for data, message in (
        (dict(inputs=inputs, data_samples=samples), sizes),
        (dict(inputs=inputs), "the train pipeline hands on no 'data_samples': let it end with PackInputs"),
        (dict(img_path=['a.jpg']), "the train pipeline hands on no 'inputs'"),
    ):
        with pytest.raises(ConfigError, match=message):
            preprocess(data, training=True)


@pytest.mark.parametrize(
    'scale, said',
    [
        (lambda x: (x - 120) / 58, 'from -2.07 to 2.33'),
        (lambda x: x / 255, 'from 0 to 1'),
        (lambda x: x - 120, 'from -120 to 135'),
        (lambda x: x, None),
    ],
)
def test_pictures_that_the_pipeline_has_normalised_are_refused_at_the_first_step(tmp_path, scale, said):
    model, data = build_distiller(tmp_path, cnn(), cnn(6), terms=KD), batch()
    data['inputs'] = scale(data['inputs'].float())
    if said is None:
        assert step_losses(model, data)['loss_cls'].isfinite()
    else:
        with pytest.raises(ConfigError, match=f'the train pipeline hands on values {said}, and each model'):
            step_losses(model, data)
