"""Mistakes in a distiller's config, checkpoints and data: one clear error each, as early as can be."""

import copy

import pytest
from tiny import VIEWS, batch, build_distiller, distiller_config, resnet3d, save_model, step_losses
from torch import nn

from mmdualkd.errors import CheckpointError, ConfigError
from mmdualkd.losses import RKD, FusedKD

WRONG = [
    (dict(terms=dict(rkd=dict(type='RKD', teacher='vti'))), ConfigError, "model.terms.rkd.teacher='vti' .* mean 'vit'"),
    (dict(terms=dict(kd=dict(type='FusedKD', teachers=['cnnn']))), ConfigError, r"kd.teachers\[0\]='cnnn' .* 'cnn'"),
    (dict(terms=dict(kd=dict(type='FusedKDD'))), ConfigError, "model.terms.kd.type='FusedKDD' .* 'FusedKD'"),
    (dict(terms=dict(kd=dict(type='FusedKD', taw=4))), ConfigError, 'model.terms.kd.*taw'),
    (dict(terms=dict(kd=dict(type='DATW'))), ConfigError, "model.terms.kd.type='DATW' is no loss term"),
    (dict(terms=dict(my_loss=dict(type='FusedKD'))), ConfigError, "'my_loss' must not contain 'loss'"),
    (dict(terms=dict(cls=dict(type='FusedKD'))), ConfigError, "model.terms: 'cls' is reserved"),
    (dict(num_classes=0), ConfigError, 'model.num_classes must be a whole number from 1, got 0'),
    (dict(num_classes=-3), ConfigError, 'model.num_classes .* got -3'),
    (dict(num_classes=4.0), ConfigError, 'model.num_classes .* got 4.0'),
    (dict(terms=dict(kd=dict(weight=0.5), skd=dict(weight=0.0))), ConfigError, "'skd' names no default term.* 'sdd'"),
    (dict(terms=dict(setup=dict(type='FusedKD'))), ConfigError, "'setup' clashes with Terms"),
    (dict(terms=[dict(type='FusedKD')]), ConfigError, 'model.terms must be a dict by name, got'),
    (dict(teachers=None), ConfigError, 'model.teachers must be a dict by name, got None'),
    (dict(terms=dict(kd=dict(type='FusedKD', teachers=[]))), ConfigError, r'kd.teachers must be None .* got \[\]'),
    (dict(terms=dict(kd=dict(type='FusedKD', standardise_teachers='no'))), ConfigError, 'must be True or False'),
    (dict(terms=dict(sdd=dict(type='SDD', dim=4.5))), ConfigError, 'sdd.dim must be a whole number from 1, got 4.5'),
    (dict(terms=dict(sdd=dict(type='SDD', grid=(64, 64, 64)))), ConfigError, r'grid=\(64, 64, 64\) is finer than'),
    (dict(blending={}), ConfigError, 'model.blending must be a dict'),
    (dict(assistant={}), ConfigError, r"model.assistant must be dict\(teacher='<name>'\), got {}"),
    (dict(warmup_iters=-1), ConfigError, 'model.warmup_iters must be a whole number from 0, got -1'),
    (dict(warmup_iters=2.5), ConfigError, 'model.warmup_iters .* got 2.5'),
    (dict(views={k: v for k, v in VIEWS.items() if k != 'cnn'}), ConfigError, "model.views has no 'cnn'"),
    (dict(views=dict(VIEWS, cn=VIEWS['cnn'])), ConfigError, "'cn' names no model; did you mean 'cnn'"),
]


@pytest.mark.parametrize('changes, error, message', WRONG)
def test_mistakes_in_a_config_are_one_clear_error_when_built(tmp_path, changes, error, message):
    with pytest.raises(error, match=message):
        build_distiller(tmp_path, **changes)


@pytest.mark.parametrize(
    'view, message',
    [
        (dict(clip_len=8), 'model.views.vit has no size'),
        (dict(size=48), 'model.views.vit has no clip_len'),
        (dict(clip_len=8, size=48, num_clip=2), "a key of model.views.vit='num_clip' .* mean 'num_clips'"),
        (dict(clip_len=8, size=48, num_clips=2), 'model.views.vit.num_clips=2'),
        (dict(clip_len=True, size=48), 'model.views.vit.clip_len must be a whole number from 1, got True'),
    ],
)
def test_wrong_views_are_found_before_any_model_is_built_or_downloaded(tmp_path, monkeypatch, view, message):
    for build in ('base.build_resolved', 'teachers.build_teacher'):
        monkeypatch.setattr(f'mmdualkd.distillers.{build}', lambda *args: pytest.fail('a model was built'))
    with pytest.raises(ConfigError, match=message):
        build_distiller(tmp_path, views=dict(VIEWS, vit=view))
    with pytest.raises(ConfigError, match='model.views must be a dict'):
        build_distiller(tmp_path, views=None)


def test_checkpoints_that_do_not_fit_are_named(tmp_path):
    cfg = distiller_config(tmp_path)
    teachers = copy.deepcopy(cfg['teachers'])
    teachers['vit']['checkpoint'] = str(tmp_path / 'missing.pth')
    with pytest.raises(CheckpointError, match='model.teachers.vit.checkpoint.*missing.pth'):
        build_distiller(tmp_path, teachers=teachers)
    teachers = copy.deepcopy(cfg['teachers'])
    teachers['cnn']['checkpoint'] = None
    with pytest.raises(ConfigError, match='model.teachers.cnn has no checkpoint'):
        build_distiller(tmp_path, teachers=teachers)
    with pytest.raises(CheckpointError, match='(4.*9|9.*4)'):
        build_distiller(tmp_path, num_classes=9)
    with pytest.raises(ConfigError, match='model.teachers.vit has 4 classes, model.student has 9'):
        build_distiller(tmp_path, resnet3d(num_classes=9))


def test_models_of_one_class_have_nothing_to_distil(tmp_path):
    cfg = distiller_config(tmp_path)
    for name, channels in dict(vit=4, cnn=6).items():
        model = resnet3d(channels, num_classes=1)
        cfg['teachers'][name] = dict(config=model, checkpoint=save_model(model, tmp_path / f'{name}_one.pth'))
    with pytest.raises(ConfigError, match='model.student has one class'):
        build_distiller(tmp_path, resnet3d(num_classes=1), teachers=cfg['teachers'])
    build_distiller(tmp_path, resnet3d(num_classes=2), teachers={}, terms={}, views=dict(student=VIEWS['student']))


def test_a_pipeline_of_other_frames_is_named_at_the_first_step(tmp_path):
    model = build_distiller(tmp_path)
    with pytest.raises(ConfigError, match=r'gives clips of \(1, 3, 8, 48, 48\), but model.views need \(1, 3, 16,'):
        step_losses(model, batch(8))


@pytest.mark.parametrize('name', ['student', 'assistant'])
def test_a_teacher_cannot_have_the_name_of_another_model(tmp_path, name):
    cfg = distiller_config(tmp_path)
    teachers = dict(cfg['teachers'], **{name: cfg['teachers']['cnn']})
    with pytest.raises(ConfigError, match=f"model.teachers: '{name}' is reserved"):
        build_distiller(tmp_path, teachers=teachers, views=dict(VIEWS, **{name: VIEWS['cnn']}))


def test_no_term_takes_the_place_of_a_loss_that_only_the_student_knows(tmp_path):
    model = build_distiller(tmp_path)
    own = model.student.cls_head.loss_by_feat
    model.student.cls_head.loss_by_feat = lambda *args: {'loss_kd': own(*args)['loss_cls']}
    with pytest.raises(ConfigError, match="'loss_kd' is in the log of the student itself"):
        step_losses(model, batch(model.plan.num_frames))


def test_a_term_may_not_log_what_would_be_added_to_the_loss(tmp_path):
    model = build_distiller(tmp_path)
    model.terms['kd'].name = 'my_loss'
    with pytest.raises(ConfigError, match="must not contain 'loss'"):
        step_losses(model, batch(model.plan.num_frames))


def distance(step):
    return (step.student.logits - step.teachers['cnn'].logits).square()


@pytest.mark.parametrize(
    'forward, message',
    [
        (lambda term, step: None, 'its forward must give one scalar tensor, got NoneType'),
        (lambda term, step: {'loss': distance(step).mean()}, 'its forward must give one scalar tensor, got dict'),
        (lambda term, step: distance(step).mean().item(), 'its forward must give one scalar tensor, got float'),
        (lambda term, step: distance(step), r'must give one scalar tensor, got a tensor \(4, 4\)'),
        (
            lambda term, step: distance(step).detach().mean(),
            'nothing learns from its loss.* or all that it reads there is frozen',
        ),
        (lambda term, step: step.student.logits.argmax(1).sum(), 'nothing learns from its loss'),
        (lambda term, step: setattr(term, 'made', nn.Linear(4, 4)) or term.made(distance(step)).mean(), 'in `setup`'),
        (
            lambda term, step: step.log.update(x=0.5) or distance(step).mean(),
            r"step.log\['x'\] must be a tensor, got 0.5",
        ),
    ],
)
def test_a_term_that_gives_no_loss_that_is_learned_from_is_named(tmp_path, monkeypatch, forward, message):
    model = build_distiller(tmp_path, terms=dict(kd=dict(type='FusedKD')))
    monkeypatch.setattr(FusedKD, 'forward', forward)
    with pytest.raises(ConfigError, match=f'^model.terms.*{message}'):
        step_losses(model, batch(model.plan.num_frames))


def test_a_term_may_be_in_the_log_alone_and_may_have_nothing_to_say_of_a_batch(tmp_path, monkeypatch):
    model = build_distiller(
        tmp_path, terms=dict(kd=dict(type='FusedKD', weight=0.0), rkd=dict(type='RKD', teacher='cnn'))
    )
    monkeypatch.setattr(FusedKD, 'forward', lambda term, step: distance(step).detach().mean())
    data = batch(model.plan.num_frames)
    assert step_losses(model, data)['loss_kd'] == 0
    monkeypatch.setattr(RKD, 'forward', lambda term, step: step.student.logits.new_zeros(()))
    assert step_losses(model, data)['loss_rkd'] == 0
