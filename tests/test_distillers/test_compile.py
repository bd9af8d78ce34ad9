"""MMEngine's ``compile``: ``torch.compile`` of ``train_step``, on the models as they are after wrapping."""

import copy

import pytest
import tiny
import tiny_pictures
import torch
from helpers import write_clips
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS as MMENGINE_MODELS
from seeded_job import runner
from torch import nn

from mmdualkd.stages import Division, divide, staged_model
from mmdualkd.stages.division import picture_stages, token_stages

HYBRID = 'HybridAssistantDistiller'
PAIRS = {
    'cnn from vit': (tiny_pictures.cnn(), tiny_pictures.vit()),
    'vit from cnn': (tiny_pictures.vit(), tiny_pictures.cnn()),
}


def train(model, data, compiled):
    """Losses of some steps, the way that a Runner compiles and trains."""
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
    teachers = {
        name: dict(
            config=tiny.one_stage(channels),
            checkpoint=tiny.save_model(tiny.one_stage(channels), tmp_path / f'{name}-one-stage.pth'),
        )
        for name, channels in dict(vit=4, cnn=6).items()
    }
    views = {name: dict(clip_len=2, size=16) for name in tiny.VIEWS}
    data = [tiny.batch(2, size=16, seed=seed) for seed in range(2)]
    check(
        lambda: tiny.build_distiller(
            tmp_path, tiny.one_stage(), teachers=copy.deepcopy(teachers), views=views, warmup_iters=2
        ),
        data,
    )


class Cells(nn.Module):
    """Four blocks on a grid of 4 x 4 cells: convolutions, or maps of tokens."""

    def __init__(self, width, kind):
        super().__init__()
        self.kind = kind
        self.embed = nn.Conv2d(3, width, 8, stride=8)
        block = (lambda: nn.Conv2d(width, width, 3, padding=1)) if kind == 'cnn' else (lambda: nn.Linear(width, width))
        self.blocks = nn.ModuleList(nn.Sequential(block(), nn.Dropout(0.1), nn.GELU()) for _ in range(4))

    def forward(self, pictures):
        features = pictures
        for stage in divide(self).stages:
            features = stage(features)
        return (features.to_map(),)


MMENGINE_MODELS.register_module(module=Cells, force=True)


@divide.register
def _(backbone: Cells) -> Division:
    if backbone.kind == 'cnn':
        first, *others = ([block] for block in backbone.blocks)
        stages = picture_stages([backbone.embed, *first], *others)
    else:
        stages = token_stages(
            lambda pictures: (backbone.embed(pictures).flatten(2).transpose(1, 2), (1, 4, 4)), backbone.blocks
        )
    return Division(backbone.kind, stages, lambda features: (features.to_map(),))


def cells(kind, width):
    return {**tiny_pictures.cnn(), 'backbone': dict(type='mmengine.Cells', width=width, kind=kind),
            'head': dict(type='LinearClsHead', num_classes=tiny_pictures.CLASSES, in_channels=width)}  # fmt: skip


def test_the_hybrid_assistant_learns_the_same_compiled(tmp_path):
    """One pair and two steps: most of the time goes to torch's own work on MMEngine's step."""
    data = [tiny_pictures.batch(seed=seed) for seed in range(2)]
    check(lambda: tiny_pictures.build_distiller(tmp_path, cells('mlp', 6), cells('cnn', 8), HYBRID), data)


def test_the_models_are_not_divided_anew_in_every_step(tmp_path, monkeypatch):
    model = tiny_pictures.build_distiller(tmp_path, *PAIRS['vit from cnn'], HYBRID)
    monkeypatch.setattr(staged_model, 'divide', lambda backbone: pytest.fail('divided in a step'))
    tiny.step_losses(model, tiny_pictures.batch())


def test_layers_that_are_replaced_after_the_model_is_built_are_those_that_train(tmp_path):
    """As ``sync_bn`` does when a Runner wraps the model."""
    model = tiny_pictures.build_distiller(tmp_path, *PAIRS['cnn from vit'], HYBRID)
    other = torch.nn.BatchNorm2d(model.student.backbone.norm1.num_features)
    model.student.backbone.add_module(model.student.backbone.norm1_name, other)
    model.train()
    tiny.step_losses(model, tiny_pictures.batch())
    assert other.num_batches_tracked == 1


def test_a_copy_trains_its_own_stages(tmp_path):
    model = tiny_pictures.build_distiller(tmp_path, *PAIRS['cnn from vit'], HYBRID)
    copied = copy.deepcopy(model)
    tiny.step_losses(copied, tiny_pictures.batch())
    assert copied.student.backbone.norm1.num_batches_tracked == 1 and copied.staged.model is copied.student
    assert model.student.backbone.norm1.num_batches_tracked == 0


def test_a_compiled_run_trains_with_the_optimizers_that_torch_cannot_trace(tmp_path):
    job = runner(tmp_path / 'job', write_clips(tmp_path / 'clips'), stages=1, max_epochs=1,
                 compile=dict(backend='eager'))  # fmt: skip
    job.optim_wrapper = dict(optimizer=dict(type='AdamW', lr=0.01))
    before = copy.deepcopy(job.model.state_dict())
    torch._dynamo.reset()
    job.train()
    assert job.iter == 2
    assert not torch.equal(job.model.state_dict()['cls_head.fc_cls.weight'], before['cls_head.fc_cls.weight'])
