"""``compile=True`` in a teacher's entry."""

import pytest
import tiny
import tiny_pictures
import torch
from torch._dynamo.exc import Unsupported

from mmdualkd.errors import ConfigError
from mmdualkd.registry import build
from mmdualkd.teachers.compiled import Compiled, plainly


def of_clips(folder, **vit):
    cfg = tiny.one_stage(4)
    teachers = {
        name: dict(config=cfg, checkpoint=tiny.save_model(cfg, folder / f'{name}-short.pth', seed))
        for seed, name in enumerate(('vit', 'cnn'))
    }
    teachers['vit'].update(vit)
    views = {name: dict(clip_len=2, size=16) for name in tiny.VIEWS}
    return tiny.build_distiller(folder, tiny.one_stage(4), teachers=teachers, views=views)


@pytest.fixture
def calls(monkeypatch):
    """Which teachers were called through the compiler."""
    seen, call = [], Compiled.__call__
    monkeypatch.setattr(Compiled, '__call__', lambda self, *args: seen.append(self.name) or call(self, *args))
    return seen


def test_compiled_teachers_say_what_they_say_uncompiled(tmp_path, calls):
    torch._dynamo.reset()
    plain, compiled = of_clips(tmp_path), of_clips(tmp_path, compile=True)
    assert calls == []  # building a model waits for no compiler
    assert list(plain.state_dict()) == list(compiled.state_dict())
    batch = tiny.batch(2, 2, size=16)
    losses = [tiny.step_losses(model, batch) for model in (plain, compiled)]
    for name, value in losses[0].items():
        torch.testing.assert_close(losses[1][name], value, rtol=1e-4, atol=1e-5, msg=lambda text, name=name: name)
    assert calls == ['vit']
    assert compiled.teachers['vit']._source == plain.teachers['vit']._source
    assert list(compiled.teachers['vit'].state_dict()) == list(plain.teachers['vit'].state_dict())
    assert not any(value.requires_grad for value in compiled.teachers['vit'].parameters())


def test_the_teacher_of_an_assistant_is_compiled_too(tmp_path, calls):
    torch._dynamo.reset()
    losses = {}
    for compile in (False, True):
        model = tiny_pictures.build_distiller(
            tmp_path, tiny_pictures.vit(), tiny_pictures.cnn(), 'HybridAssistantDistiller'
        )
        if compile:
            model.teachers._compiled = {'teacher': Compiled('teacher')}
            model.teachers._compiled['teacher'].call = torch.compile(plainly, backend='eager')
        losses[compile] = tiny.step_losses(model, tiny_pictures.batch())
    assert calls == ['teacher']
    for name, value in losses[False].items():
        torch.testing.assert_close(losses[True][name], value, rtol=1e-3, atol=1e-4, msg=lambda text, name=name: name)


def test_what_cannot_be_compiled_is_one_clear_error(tmp_path):
    def refuse(*args):
        raise Unsupported('no such operator\n\n  a long story')

    model = of_clips(tmp_path, compile=True)
    model.teachers._compiled['vit'].call = refuse
    with pytest.raises(ConfigError, match=r'^model.teachers.vit.compile=True, but .* no such operator; leave'):
        tiny.step_losses(model, tiny.batch(2, 2, size=16))


def test_only_a_teacher_is_compiled_by_its_entry_and_by_yes_or_no(tmp_path):
    with pytest.raises(ConfigError, match='model.teachers.vit.compile must be True or False, got .reduce-overhead.'):
        of_clips(tmp_path, compile='reduce-overhead')
    with pytest.raises(ConfigError, match=r"model.student has unknown keys \['compile'\]"):
        build(tiny.distiller_config(tmp_path) | dict(student=dict(config=tiny.one_stage(), compile=True)), 'model')
