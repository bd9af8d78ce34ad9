import pytest

from mmdualkd.errors import ConfigError
from mmdualkd.views import ViewPlan
from mmdualkd.views.plan import ViewSpec


def test_views_of_one_timing_share_their_frames_and_others_have_their_own():
    plan = ViewPlan(
        dict(
            student=dict(clip_len=13, frame_interval=6, size=160),
            vit=dict(clip_len=16, frame_interval=4, size=224),
            cnn=dict(clip_len=16, frame_interval=4, size=112),
        )
    )
    assert plan.num_frames == 13 + 16
    assert plan.places('vit').tolist() == plan.places('cnn').tolist()
    assert sorted([*plan.places('student')[0], *plan.places('vit')[0]]) == list(range(29))


def test_frames_of_a_window_are_listed_by_their_time():
    plan = ViewPlan(dict(a=dict(clip_len=4, size=8), b=dict(clip_len=8, frame_interval=2, size=8)))
    assert plan.span == 16  # b at 0, 2 ... 14, a in the middle at 6, 7, 8, 9
    assert plan.places('b').tolist() == [[0, 1, 2, 3, 6, 9, 10, 11]]
    assert plan.places('a').tolist() == [[4, 5, 7, 8]]


def test_the_layout_does_not_depend_on_the_order_of_the_views():
    views = dict(a=dict(clip_len=32, frame_interval=2, size=8), b=dict(clip_len=8, frame_interval=8, size=8))
    plan, other = ViewPlan(views), ViewPlan(dict(reversed(views.items())))
    assert plan == other
    for name in views:
        assert plan.places(name).tolist() == other.places(name).tolist()


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
    assert plan.num_frames == 2 * (4 + 2)
    assert plan.places('a').tolist() == [[0, 1, 3, 5], [6, 7, 9, 11]]
    assert plan.places('b').tolist() == [[2, 4], [8, 10]]


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
        (dict(a=dict(clip_len=4)), 'm.views.a has no size'),
        (dict(a=dict(size=4)), 'm.views.a has no clip_len'),
        (dict(a=5), 'm.views.a must be a dict, got 5'),
        (
            dict(a=dict(clip_len=4, size=8, frame_intervall=2)),
            "of m.views.a='frame_intervall' .* mean 'frame_interval'",
        ),
        (dict(a=dict(clip_len=0, size=8)), 'm.views.a.clip_len must be a whole number from 1, got 0'),
        (dict(a=dict(clip_len=True, size=8)), 'm.views.a.clip_len must be a whole number from 1, got True'),
        (dict(a=dict(clip_len=4, frame_interval=1.5, size=8)), 'm.views.a.frame_interval must be a whole number'),
        (dict(a=dict(clip_len=4, num_clips='2', size=8)), "m.views.a.num_clips must be a whole number from 1, got '2'"),
        (dict(a=dict(clip_len=4, size=0)), 'm.views.a.size must be a whole number from 1, or two .*, got 0'),
        (dict(a=dict(clip_len=4, size=True)), 'm.views.a.size must be a whole number .*, got True'),
        (dict(a=dict(clip_len=4, size='224')), "m.views.a.size must be a whole number .*, got '224'"),
        (dict(a=dict(clip_len=4, size='22')), "m.views.a.size must be a whole number .*, got '22'"),
        (dict(a=dict(clip_len=4, size=(0, 5))), 'm.views.a.size must be a whole number .*, got (0, 5)'),
        (dict(a=dict(clip_len=4, size=(5, 0))), 'm.views.a.size must be a whole number .*, got (5, 0)'),
        (dict(a=dict(clip_len=4, size=(1, 2, 3))), 'm.views.a.size must be a whole number .*, got (1, 2, 3)'),
        (dict(a=dict(clip_len=4, size=8, antialias=1)), 'm.views.a.antialias must be True or False, got 1'),
        (dict(a=dict(clip_len=4, size=8), b=dict(clip_len=4, num_clips=2, size=8)), 'm.views.b.num_clips=2'),
        ({}, 'm.views must be a dict of views'),
        (None, 'm.views must be a dict of views by model name, got None'),
    ],
)
def test_misfits_are_one_clear_error(views, message):
    with pytest.raises(ConfigError, match=message.replace('(', r'\(').replace(')', r'\)')) as error:
        ViewPlan(views, key='m.views')
    assert '\n' not in str(error.value)


def test_a_pictures_view_needs_a_size_alone():
    assert ViewPlan(dict(a=dict(size=[8, 6])), pictures=True).specs['a'] == ViewSpec(1, (8, 6))


def test_a_view_longer_than_clip_len_is_named():
    with pytest.raises(ConfigError, match=r'views.vit asks for 61 frames .* more than clip_len=32 allows'):
        ViewPlan(dict(vit=dict(clip_len=16, frame_interval=4, size=8))).check_length(32)
    ViewPlan(dict(vit=dict(clip_len=16, frame_interval=4, size=8))).check_length(61)
