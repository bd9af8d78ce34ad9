"""A distillation starts, and at zero weights goes on, as plain training with the same seed; nobody seeds in between."""

import copy

import numpy as np
import pytest
import tiny
import tiny_pictures
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS as MMENGINE_MODELS

from mmdualkd.registry import MODELS

TERMS = dict(
    kd=dict(type='FusedKD', weight=0.0),
    sdd=dict(type='SDD', weight=0.0, residual='shared_head'),
    rkd=dict(type='RKD', teacher='vit', weight=0.0),
)
ASSISTED = dict(
    nce=dict(type='InfoNCE', source='teacher', target='assistant', weight=0.0),
    ofa=dict(type='OFA', source='assistant', weight=0.0),
)


def train(cfg, scope, data, steps=3):
    """Trains as a Runner does, seeded once: builds, initialises, takes steps. Gives the model and its initial state."""
    torch.manual_seed(5), np.random.seed(5)
    registry = MODELS if scope == 'mmdualkd' else MMENGINE_MODELS
    model = registry.build({'_scope_': scope, **copy.deepcopy(cfg)})
    model.init_weights()
    start = copy.deepcopy(model.state_dict())
    model.train()
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), 0.05, momentum=0.9))
    for step in range(steps):
        model.train_step(copy.deepcopy(data[step]), wrapper)
    return start, model.state_dict()


def same_student(plain, distilled):
    return all(torch.equal(value, distilled[f'student.{name}']) for name, value in plain.items())


@pytest.mark.parametrize('terms', [TERMS, {}], ids=['with terms', 'without'])
def test_a_video_student_starts_and_trains_as_the_plain_recognizer(tmp_path, terms):
    student = tiny.resnet3d(dropout=0.5)
    cfg = tiny.distiller_config(tmp_path, student, terms=terms)
    cfg['views'] = {name: dict(clip_len=4, size=32) for name in cfg['views']}
    data = [tiny.batch(4, size=32, seed=seed) for seed in range(3)]
    ours, theirs = train(cfg, 'mmdualkd', data), train(student, 'mmaction', data)
    assert same_student(theirs[0], ours[0]), 'another start'
    assert same_student(theirs[1], ours[1]), 'another training'
    assert not same_student(theirs[0], ours[1])


@pytest.mark.parametrize('terms', [ASSISTED, {}], ids=['with an assistant', 'without'])
def test_a_picture_student_starts_and_trains_as_the_plain_classifier(tmp_path, terms):
    """The assistant runs the student's last blocks a second time, and they drop out."""
    student, teacher = tiny_pictures.vit(drop_rate=0.2, drop_path_rate=0.2), tiny_pictures.cnn()
    path = tiny.save_model({**teacher, '_scope_': 'mmpretrain'}, tmp_path / 'teacher.pth')
    size = dict(size=tiny_pictures.SIZE)
    cfg = dict(
        type='Distiller', student=dict(config=student), teachers=dict(teacher=dict(config=teacher, checkpoint=path)),
        views=dict(student=size, teacher=size), terms=terms, assistant=dict(teacher='teacher') if terms else None,
    )  # fmt: skip
    data = [tiny_pictures.batch(seed=seed) for seed in range(3)]
    ours, theirs = train(cfg, 'mmdualkd', data), train(student, 'mmpretrain', data)
    assert same_student(theirs[0], ours[0]), 'another start'
    assert same_student(theirs[1], ours[1]), 'another training'


def test_a_terms_own_start_does_not_depend_on_the_other_terms(tmp_path):
    starts = [
        train(tiny.distiller_config(tmp_path, terms=terms), 'mmdualkd', [], steps=0)[0]
        for terms in (dict(sdd=TERMS['sdd']), dict(other=TERMS['sdd'], **TERMS))
    ]
    own = {name: value for name, value in starts[0].items() if name.startswith('terms.sdd')}
    assert own and all(torch.equal(value, starts[1][name]) for name, value in own.items())
    key = 'branch.layers.0.weight'
    assert not torch.equal(starts[1][f'terms.sdd.{key}'], starts[1][f'terms.other.{key}'])


def test_a_token_student_keeps_its_own_running_statistics_beside_an_assistant(tmp_path):
    """UniFormer's last stage and its batch norm serve the assistant too."""
    student = tiny.resnet3d()
    student['backbone'] = dict(
        type='UniFormer', img_size=32, depth=[1, 1, 1, 1], embed_dim=[8, 8, 16, 32], head_dim=8, drop_path_rate=0.1
    )
    cfg = tiny.distiller_config(tmp_path, student, assistant=dict(teacher='cnn'))
    cfg['teachers'] = dict(cnn=cfg['teachers']['cnn'])
    cfg['views'] = {name: dict(clip_len=4, size=32) for name in ('student', 'cnn')}
    cfg['terms'] = dict(
        ofa=dict(type='OFA', source='assistant', weight=0.0),
        learn=dict(type='OFA', source='cnn', target='assistant', weight=0.0),
    )
    data = [tiny.batch(4, size=32, seed=seed) for seed in range(3)]
    ours, theirs = train(cfg, 'mmdualkd', data), train(student, 'mmaction', data)
    assert same_student(theirs[1], ours[1])
    assert int(theirs[1]['backbone.norm.num_batches_tracked']) == 3
