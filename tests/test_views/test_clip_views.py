import pytest
import tiny
import torch
from mmaction.registry import MODELS as MMACTION_MODELS

from mmdualkd.views import ClipViews, View, ViewPlan, clip_views, first_alike, tell_colours

SPECS = dict(
    student=dict(clip_len=4, size=16),
    alike=dict(clip_len=4, size=16),
    smaller=dict(clip_len=4, size=12),
    sparser=dict(clip_len=2, frame_interval=2, size=16),
    darker=dict(clip_len=4, size=16),
)


def preprocessor(mean, layout='NCTHW', **colours):
    return MMACTION_MODELS.build(
        dict(type='ActionDataPreprocessor', mean=[mean] * 3, std=[57.0] * 3, format_shape=layout, **colours)
    )


@pytest.fixture
def views():
    plan = ViewPlan(SPECS, key='model.views')
    return {name: View(plan, name, preprocessor(90.0 if name == 'darker' else 110.0)) for name in SPECS}


@pytest.fixture
def clip(views):
    frames = views['student'].places.max() + 1
    return torch.randint(0, 256, (2, 1, 3, max(int(frames), 4), 16, 16), dtype=torch.uint8)


def test_alike_views_are_one_tensor_and_others_are_not(views, clip):
    made = {}
    of_clip = ClipViews(views, first_alike(views), clip)
    for name in SPECS:
        made[name] = of_clip[name]
        assert torch.equal(made[name], views[name](clip))
    assert made['alike'] is made['student']
    assert len({id(view) for view in made.values()}) == 4


def test_views_of_other_colours_or_in_another_layout_are_not_alike():
    plan = ViewPlan(dict.fromkeys(('one', 'other'), dict(clip_len=1, size=16)))
    one = View(plan, 'one', preprocessor(110.0))
    assert one.is_like(View(plan, 'other', preprocessor(110.0)))
    assert not one.is_like(View(plan, 'other', preprocessor(110.0, to_rgb=True)))
    assert not one.is_like(View(plan, 'other', preprocessor(110.0, layout='NCHW')))


def test_a_view_is_let_go_of_with_the_last_model_that_needs_it(views, clip):
    of_clip = ClipViews(views, first_alike(views), clip)
    of_clip['student'], of_clip['smaller']
    assert len(of_clip._made) == 1
    of_clip['alike']
    assert not of_clip._made


def test_what_a_model_wrote_into_is_made_anew_for_the_next_one(views, clip):
    of_clip = ClipViews(views, first_alike(views), clip)
    of_clip['student'].zero_()
    assert torch.equal(of_clip['alike'], views['alike'](clip))


def test_in_inference_mode_each_model_has_its_own(views, clip):
    with torch.inference_mode():
        of_clip = ClipViews(views, first_alike(views), clip)
        of_clip['student'].zero_()
        assert torch.equal(of_clip['alike'], views['alike'](clip))


def test_a_step_makes_one_view_for_models_that_see_the_same(tmp_path, monkeypatch):
    made = []
    forward = View.forward
    views = {name: dict(clip_len=2, size=16) for name in tiny.VIEWS}
    model = tiny.build_distiller(tmp_path, tiny.resnet3d(4), views=views).train()
    monkeypatch.setattr(View, 'forward', lambda self, clip: made.append(self) or forward(self, clip))
    batch = tiny.batch(2, size=16)
    model.loss(**model.data_preprocessor(batch, training=True))
    assert len(made) == len(set(model.alike.values())) < len(views)


def test_models_that_take_colours_in_different_orders_are_told_of(views, monkeypatch):
    said = []
    monkeypatch.setattr(clip_views, 'print_log', lambda message, **kwargs: said.append(message))
    tell_colours(views)
    assert not said
    views['darker'] = View(ViewPlan(SPECS, key='model.views'), 'darker', preprocessor(90.0, to_rgb=True))
    tell_colours(views)
    colours = 'exchanged for darker (data_preprocessor.to_rgb=True) and not for student, alike, smaller, sparser: make'
    assert len(said) == 1 and colours in said[0]
