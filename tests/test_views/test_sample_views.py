import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import ROOT
from mmaction.datasets.transforms import CenterCrop, DecordDecode, DecordInit, FormatShape, SampleFrames
from mmcv.transforms import Compose

from mmdualkd.datasets.reading import open_video
from mmdualkd.errors import ConfigError
from mmdualkd.views import SampleViews, ViewPlan

VIEWS = dict(a=dict(clip_len=8, frame_interval=4, size=8), b=dict(clip_len=5, frame_interval=2, size=8))
PAIR = dict(  # one of configs/_base_/pairs, and segments
    student=dict(clip_len=13, frame_interval=6, size=8),
    vit=dict(clip_len=16, frame_interval=4, size=8),
    cnn=dict(clip_len=16, frame_interval=5, size=8),
    frames=dict(clip_len=1, num_clips=8, size=8),
)
TWO_CLIPS = {name: dict(view, num_clips=2) for name, view in VIEWS.items()}
ALONE = dict(student=dict(clip_len=16, frame_interval=4, size=8))


def sample(sampler, total=100, fps=30, start_index=0):
    return sampler.transform(dict(total_frames=total, avg_fps=fps, start_index=start_index))


def frames_of(results, sampler, name):
    return results['frame_inds'][sampler.plan.places(name)]


def stock_frames(sampler, name, **kwargs):
    """What mmaction2's own sampler of a view's timing gives."""
    stock = SampleFrames(*sampler.plan.specs[name].timing, **sampler.common)
    return sample(stock, **kwargs)['frame_inds'].reshape(sampler.plan.places(name).shape).tolist()


@pytest.mark.parametrize('out_of_bound_opt', ['loop', 'repeat_last'])
@pytest.mark.parametrize('target_fps, fps', [(None, 30), (30, 30), (30, 25), (30, 59.94)])
@pytest.mark.parametrize('views', [PAIR, TWO_CLIPS, ALONE], ids=['pair', 'two clips', 'alone'])
def test_frames_are_the_stock_samplers_for_every_length_of_video(views, target_fps, fps, out_of_bound_opt):
    common = dict(target_fps=target_fps, out_of_bound_opt=out_of_bound_opt)
    testing, training = SampleViews(views, test_mode=True, **common), SampleViews(views, **common)
    longest = max(views, key=lambda name: training.plan.specs[name].span)
    for total in range(1, 201):
        results = sample(testing, total=total, fps=fps)
        for name in views:
            expected = stock_frames(testing, name, total=total, fps=fps)
            assert frames_of(results, testing, name).tolist() == expected, (name, total)
        np.random.seed(total)
        results = sample(training, total=total, fps=fps)
        np.random.seed(total)
        assert frames_of(results, training, longest).tolist() == stock_frames(training, longest, total=total, fps=fps)
        assert results['frame_inds'].min() >= 0 and results['frame_inds'].max() < total


@pytest.mark.parametrize('target_fps, fps', [(None, 30), (30, 25), (30, 60)])
def test_shorter_views_lie_in_the_middle_of_the_longest(target_fps, fps):
    sampler = SampleViews(PAIR, target_fps=target_fps)
    for seed in range(20):
        np.random.seed(seed)
        results = sample(sampler, total=1000, fps=fps)
        ends = {name: frames_of(results, sampler, name)[0] for name in ('student', 'vit', 'cnn')}
        middles = {name: (frames[0] + frames[-1] + sampler.plan.specs[name].frame_interval) / 2
                   for name, frames in ends.items()}  # fmt: skip
        assert max(middles.values()) - min(middles.values()) <= 3 * max(1, fps / 30)


def test_a_view_that_starts_after_the_end_of_the_video_repeats_its_last_frame():
    sampler = SampleViews(PAIR, out_of_bound_opt='repeat_last')
    assert set(frames_of(sample(sampler, total=5), sampler, 'vit')[0]) == {4}  # from frame 8 of the window on


@pytest.mark.parametrize('source', ['ut-interaction', 'weizmann'])
def test_real_videos_give_the_frames_of_each_models_own_test_pipeline(source):
    folders = [folder / source for folder in (ROOT / 'data', ROOT.parent / 'shared' / 'data')]
    videos = [video for folder in folders for video in sorted(folder.rglob('*.avi'))][::17]
    if not videos:
        pytest.skip(f'no videos of {source} in data/')
    opener, decode = DecordInit(), Compose([DecordDecode(), CenterCrop(64), FormatShape('NCTHW')])
    opener._get_video_reader = open_video
    sampler = SampleViews(PAIR, test_mode=True, target_fps=30)

    def clip_of(video, sampler):
        results = sampler.transform(opener(dict(filename=str(video), start_index=0, modality='RGB')))
        return results['frame_inds'], decode(results)['imgs'][0]

    for video in videos:
        frames, clip = clip_of(video, sampler)
        for name in ('student', 'vit', 'cnn'):
            places, timing = sampler.plan.places(name)[0], sampler.plan.specs[name].timing
            expected, stock = clip_of(video, SampleFrames(*timing, test_mode=True, target_fps=30))
            assert frames[places].tolist() == expected.tolist(), (video.name, name)
            assert np.array_equal(clip[:, places], stock), (video.name, name)


def test_frames_of_several_timings_are_decoded_once_each_and_in_order():
    class Reader:
        def __len__(self):
            return 50

        def get_batch(self, indices):
            asked.append(list(indices))
            return SimpleNamespace(asnumpy=lambda: np.asarray(indices) * 10)

    for views in (PAIR, TWO_CLIPS, ALONE):
        asked = []
        sampler = SampleViews(views, target_fps=30)
        results = sampler.transform(dict(total_frames=50, avg_fps=25, start_index=0, video_reader=Reader()))
        frames = results['frame_inds']
        decoded = results['video_reader'].get_batch(frames).asnumpy()
        assert decoded.tolist() == (frames * 10).tolist()
        if views is ALONE:  # as in the stock pipeline
            assert asked == [frames.tolist()]
        else:
            assert asked == [sorted(set(frames.tolist()))]


def test_views_can_be_handed_over_later_and_go_along_to_workers():
    sampler = SampleViews(test_mode=True)
    with pytest.raises(ConfigError, match=r'mmdualkd.SampleViews has no views: mmdualkd.PreflightHook hands over'):
        sample(sampler)
    assert repr(sampler) == 'SampleViews(views=None)'
    sampler.use(ViewPlan(VIEWS))
    expected = sample(SampleViews(VIEWS, test_mode=True))['frame_inds'].tolist()
    assert sample(sampler)['frame_inds'].tolist() == expected
    assert sample(pickle.loads(pickle.dumps(sampler)))['frame_inds'].tolist() == expected


def test_a_plan_longer_than_clip_len_is_refused():
    with pytest.raises(ConfigError, match='model.views.a asks for 29 frames'):
        SampleViews(clip_len=20).use(ViewPlan(VIEWS, key='model.views'))


def test_a_target_rate_is_refused_where_nothing_tells_the_videos_own():
    frames = dict(total_frames=100, start_index=1)  # as RawframeDataset gives them
    with pytest.raises(ConfigError, match='target_fps=30, but nothing before it in the pipeline tells'):
        SampleViews(PAIR, target_fps=30).transform(dict(frames))
    assert SampleViews(PAIR).transform(dict(frames))['frame_inds'].min() >= 1


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


def test_start_index_shifts_every_frame():
    sampler = SampleViews(VIEWS, test_mode=True)
    assert (sample(sampler, start_index=1)['frame_inds'] - sample(sampler)['frame_inds'] == 1).all()


def test_what_the_pipeline_draws_next_does_not_depend_on_a_students_segments():
    clip, after = dict(clip_len=8, frame_interval=2, size=8), []
    for segments in (1, 4, 8):
        np.random.seed(5)
        results = sample(SampleViews(dict(vit=clip, student=dict(clip_len=1, num_clips=segments, size=8))), total=100)
        after.append((np.random.random(), results['teacher_frames']))
    assert len(set(after)) == 1


def test_one_view_alone_has_the_frames_that_it_has_in_the_union():
    for name in PAIR:
        whole, alone = SampleViews(PAIR, target_fps=30), SampleViews(target_fps=30)
        alone.use(ViewPlan(PAIR), alone=name)
        np.random.seed(2)
        expected = frames_of(sample(whole), whole, name)
        np.random.seed(2)
        assert sample(alone)['frame_inds'].tolist() == expected.reshape(-1).tolist()
