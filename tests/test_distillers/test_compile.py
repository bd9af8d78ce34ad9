"""MMEngine's ``compile``: ``torch.compile`` of ``train_step``, on the models as they are after wrapping."""

import copy

import pytest
import tiny
import tiny_pictures
import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper

from mmdualkd.stages import staged_model

HYBRID = 'HybridAssistantDistiller'
PAIRS = {
    'cnn from vit': (tiny_pictures.cnn(), tiny_pictures.vit()),
    'vit from cnn': (tiny_pictures.vit(), tiny_pictures.cnn()),
}


def train(model, data, compiled):
    """Losses of four steps, the way that a Runner compiles and trains."""
    torch._dynamo.reset()
    model.train()
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), 0.05))
    if compiled:
        model.train_step = torch.compile(model.train_step, backend='eager')
    logs = []
    for done, batch in enumerate(data):
        MessageHub.get_current_instance().update_info('iter', done)
        logs.append(model.train_step(copy.deepcopy(batch), optim_wrapper=wrapper))
    MessageHub.get_current_instance().runtime_info.pop('iter')
    return [{name: value.item() for name, value in log.items()} for log in logs]


def check(build, data):
    expected, got = train(build(), data, compiled=False), train(build(), data, compiled=True)
    for ours, theirs in zip(got, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-6)


def test_the_dual_teacher_method_learns_the_same_compiled(tmp_path):
    model = tiny.build_distiller(tmp_path, warmup_iters=4)
    data = [tiny.batch(model.plan.num_frames, seed=seed) for seed in range(4)]
    check(lambda: tiny.build_distiller(tmp_path, warmup_iters=4), data)


@pytest.mark.parametrize('pair', PAIRS)
def test_the_hybrid_assistant_learns_the_same_compiled(tmp_path, pair):
    data = [tiny_pictures.batch(seed=seed) for seed in range(4)]
    check(lambda: tiny_pictures.build_distiller(tmp_path, *PAIRS[pair], HYBRID), data)


def test_the_models_are_not_divided_anew_in_every_step(tmp_path, monkeypatch):
    model = tiny_pictures.build_distiller(tmp_path, *PAIRS['vit from cnn'], HYBRID)
    monkeypatch.setattr(staged_model, 'divide', lambda backbone: pytest.fail('divided in a step'))
    model(**model.data_preprocessor(tiny_pictures.batch(), training=True), mode='loss')


def test_layers_that_are_replaced_after_the_model_is_built_are_those_that_train(tmp_path):
    """As ``sync_bn`` does when a Runner wraps the model."""
    model = tiny_pictures.build_distiller(tmp_path, *PAIRS['cnn from vit'], HYBRID)
    other = torch.nn.BatchNorm2d(model.student.backbone.norm1.num_features)
    model.student.backbone.add_module(model.student.backbone.norm1_name, other)
    model.train()
    model(**model.data_preprocessor(tiny_pictures.batch(), training=True), mode='loss')
    assert other.num_batches_tracked == 1


def test_a_copy_trains_its_own_stages(tmp_path):
    model = tiny_pictures.build_distiller(tmp_path, *PAIRS['cnn from vit'], HYBRID)
    copied = copy.deepcopy(model)
    copied(**copied.data_preprocessor(tiny_pictures.batch(), training=True), mode='loss')
    assert copied.student.backbone.norm1.num_batches_tracked == 1 and copied.staged.model is copied.student
    assert model.student.backbone.norm1.num_batches_tracked == 0
