import numpy as np
import pytest

from mmdualkd.errors import ConfigError
from mmdualkd.views import ViewPlan


def test_union_holds_every_views_frames_once_and_knows_their_places():
    plan = ViewPlan(
        dict(
            student=dict(clip_len=13, frame_interval=6, size=160),
            vit=dict(clip_len=16, frame_interval=4, size=224),
            cnn=dict(clip_len=16, frame_interval=5, size=224),
        )
    )
    assert plan.span == 80
    assert len(set(plan.offsets)) == len(plan.offsets) == plan.num_frames
    for name, length, interval in (('student', 13, 6), ('vit', 16, 4), ('cnn', 16, 5)):
        frames = plan.offsets[plan.places(name)[0]]
        assert len(frames) == length and (np.diff(frames) == interval).all()


def test_shorter_views_lie_in_the_middle_of_the_window():
    plan = ViewPlan(dict(a=dict(clip_len=4, size=8), b=dict(clip_len=8, frame_interval=2, size=8)))
    assert plan.offsets[plan.places('a')[0]].tolist() == [6, 7, 8, 9]
    assert plan.offsets[plan.places('b')[0]].tolist() == list(range(0, 16, 2))


def test_views_of_one_span_share_their_frames():
    plan = ViewPlan(dict(a=dict(clip_len=32, frame_interval=2, size=8), b=dict(clip_len=8, frame_interval=8, size=8)))
    assert plan.num_frames == 32


def test_segment_views_stand_beside_clip_views_and_share_among_themselves():
    plan = ViewPlan(
        dict(
            student=dict(clip_len=1, num_clips=8, size=8),
            cnn=dict(clip_len=1, num_clips=8, size=8),
            other=dict(clip_len=1, num_clips=3, size=8),
            vit=dict(clip_len=4, size=8),
        )
    )
    assert plan.num_frames == 4 + 3 + 8
    assert plan.places('vit').tolist() == [[0, 1, 2, 3]]
    assert plan.places('other')[:, 0].tolist() == [4, 5, 6]
    assert plan.places('student').tolist() == plan.places('cnn').tolist() == [[frame] for frame in range(7, 15)]


def test_several_clips_a_video_give_a_window_each():
    plan = ViewPlan(dict(a=dict(clip_len=4, num_clips=2, size=8), b=dict(clip_len=2, num_clips=2, size=8)))
    assert plan.num_frames == 8
    assert plan.places('a').tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert plan.places('b').tolist() == [[1, 2], [5, 6]]


def test_a_views_window_is_its_time_within_the_longest_views():
    plan = ViewPlan(
        dict(
            student=dict(clip_len=13, frame_interval=6, size=160),
            vit=dict(clip_len=16, frame_interval=4, size=224),
            cnn=dict(clip_len=16, frame_interval=5, size=224),
            frames=dict(clip_len=1, num_clips=8, size=224),
        )
    )
    assert plan.window('cnn') == (0.0, 1.0)
    assert plan.window('vit') == (0.1, 0.9)
    assert plan.window('student') == (1 / 80, 79 / 80)
    assert plan.window('frames') is None


@pytest.mark.parametrize(
    'views, message',
    [
        (dict(a=dict(clip_len=4)), 'views.a has no size'),
        (dict(a=dict(size=4)), 'views.a has no clip_len'),
        (dict(a=dict(clip_len=4, size=8, frame_intervall=2)), "did you mean 'frame_interval'"),
        (dict(a=dict(clip_len=0, size=8)), 'views.a.clip_len must be a whole number from 1, got 0'),
        (dict(a=dict(clip_len=4, size=0)), 'views.a.size must be a whole number from 1, got 0'),
        (dict(a=dict(clip_len=4, size=8), b=dict(clip_len=4, num_clips=2, size=8)), 'views.b.num_clips=2'),
        ({}, 'views must be a dict of views'),
    ],
)
def test_misfits_are_one_clear_error(views, message):
    with pytest.raises(ConfigError, match=message.replace('(', r'\(')):
        ViewPlan(views)


def test_a_view_longer_than_clip_len_is_named():
    with pytest.raises(ConfigError, match=r'views.vit asks for 61 frames .* more than clip_len=32 allows'):
        ViewPlan(dict(vit=dict(clip_len=16, frame_interval=4, size=8)), clip_len=32)
    ViewPlan(dict(vit=dict(clip_len=16, frame_interval=4, size=8)), clip_len=61)
