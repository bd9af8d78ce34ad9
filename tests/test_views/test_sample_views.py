import numpy as np
import pytest
from mmaction.datasets.transforms import SampleFrames

from mmdualkd.views import SampleViews

VIEWS = dict(a=dict(clip_len=8, frame_interval=4, size=8), b=dict(clip_len=5, frame_interval=2, size=8))


def sample(sampler, total=100, fps=30, start_index=0):
    return sampler.transform(dict(total_frames=total, avg_fps=fps, start_index=start_index))


def frames_of(results, sampler, name):
    return results['frame_inds'][sampler.plan.places(name)]


def test_longest_view_gets_the_frames_of_the_stock_sampler():
    ours, stock = SampleViews(VIEWS), SampleFrames(8, 4)
    for seed in range(20):
        np.random.seed(seed)
        expected = sample(stock)['frame_inds']
        np.random.seed(seed)
        assert frames_of(sample(ours), ours, 'a')[0].tolist() == expected.tolist()


def test_segment_views_get_the_frames_of_the_stock_sampler():
    views = dict(a=dict(clip_len=1, num_clips=8, size=8), b=dict(clip_len=1, num_clips=8, size=8))
    for test_mode in (False, True):
        ours, stock = SampleViews(views, test_mode=test_mode), SampleFrames(1, 1, 8, test_mode=test_mode)
        np.random.seed(3)
        expected = sample(stock)['frame_inds']
        np.random.seed(3)
        assert frames_of(sample(ours), ours, 'a').ravel().tolist() == expected.tolist()


def test_all_views_see_one_moment():
    sampler = SampleViews(VIEWS)
    results = sample(sampler, total=1000)
    a, b = frames_of(results, sampler, 'a')[0], frames_of(results, sampler, 'b')[0]
    assert a[0] <= b[0] and b[-1] <= a[-1]
    assert abs((a[0] + a[-1]) - (b[0] + b[-1])) <= 4
    assert results['num_clips'] == 1 and results['clip_len'] == len(results['frame_inds']) == sampler.plan.num_frames


def test_test_mode_takes_the_middle():
    sampler = SampleViews(VIEWS, test_mode=True)
    first, second = sample(sampler)['frame_inds'], sample(sampler)['frame_inds']
    assert first.tolist() == second.tolist()
    assert abs(frames_of(sample(sampler), sampler, 'a').mean() - 50) <= 3


def test_short_videos_loop_as_mmaction2_loops_them():
    ours, stock = SampleViews(VIEWS), SampleFrames(8, 4)
    results = sample(ours, total=10)
    assert frames_of(results, ours, 'a')[0].tolist() == sample(stock, total=10)['frame_inds'].tolist()
    assert results['frame_inds'].max() < 10


def test_short_videos_can_repeat_their_last_frame():
    sampler = SampleViews(VIEWS, out_of_bound_opt='repeat_last')
    assert frames_of(sample(sampler, total=10), sampler, 'a')[0].tolist() == [0, 4, 8, 9, 9, 9, 9, 9]


def test_start_index_shifts_every_frame():
    sampler = SampleViews(VIEWS, test_mode=True)
    assert (sample(sampler, start_index=1)['frame_inds'] - sample(sampler)['frame_inds'] == 1).all()


@pytest.mark.parametrize('fps, step', [(30, 4), (60, 8), (15, 2)])
def test_target_fps_counts_intervals_in_its_own_rate(fps, step):
    sampler = SampleViews(VIEWS, target_fps=30, test_mode=True)
    steps = np.diff(frames_of(sample(sampler, total=1000, fps=fps), sampler, 'a')[0])
    assert abs(steps - step).max() <= 1 and abs(steps.mean() - step) < 0.3
