from unittest import mock

import cv2
import mmcv
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmaction.models.data_preprocessors import ActionDataPreprocessor
from mmaction.registry import MODELS as MMACTION_MODELS
from mmaction.registry import TRANSFORMS as MMACTION_TRANSFORMS
from mmaction.structures import ActionDataSample
from mmcv.transforms import Compose

from mmdualkd.errors import ConfigError
from mmdualkd.views import SampleViews, View, ViewPlan, view

VIEWS = dict(
    clip=dict(clip_len=8, frame_interval=2, size=32),
    short=dict(clip_len=4, frame_interval=3, size=32),
    segments=dict(clip_len=1, num_clips=6, size=32),
    small=dict(clip_len=8, frame_interval=2, size=20),
)


def preprocessor(layout, **kwargs):
    return MMACTION_MODELS.build(
        dict(
            type='ActionDataPreprocessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            format_shape=layout,
            **kwargs,
        )
    )


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    """A real video file of 40 frames, larger than the crop."""
    path = tmp_path_factory.mktemp('video') / 'clip.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 25, (64, 40))
    rng = np.random.default_rng(0)
    base = cv2.resize(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8), (64, 40))
    for index in range(40):
        writer.write(np.roll(base, index, axis=1))
    writer.release()
    return str(path)


def run_pipeline(video, sampler, input_format):
    transforms = [
        MMACTION_TRANSFORMS.build(dict(type='DecordInit')),
        sampler,
        *(
            MMACTION_TRANSFORMS.build(cfg)
            for cfg in (
                dict(type='DecordDecode'),
                dict(type='CenterCrop', crop_size=32),
                dict(type='FormatShape', input_format=input_format),
                dict(type='PackActionInputs'),
            )
        ),
    ]
    results = Compose(transforms)(dict(filename=video, start_index=0, modality='RGB', label=0))
    return results['inputs']


class FixedFrames:
    """Stands where SampleFrames would, on a start that the test chose."""

    def __init__(self, frames, clip_len, num_clips):
        self.frames, self.clip_len, self.num_clips = frames, clip_len, num_clips

    def __call__(self, results):
        results.update(
            frame_inds=np.asarray(self.frames), clip_len=self.clip_len, num_clips=self.num_clips, frame_interval=1
        )
        return results


@pytest.mark.parametrize('name, layout', [('clip', 'NCTHW'), ('short', 'NCTHW'), ('segments', 'NCHW')])
def test_without_resizing_a_view_is_the_stock_pipelines_result_bit_for_bit(video, name, layout):
    np.random.seed(1)
    sampler = SampleViews(VIEWS)
    seen = {}

    def recording(results):
        seen['frames'] = sampler.transform(results)['frame_inds'].copy()
        return results

    clip = run_pipeline(video, recording, 'NCTHW').unsqueeze(0)
    assert clip.dtype == torch.uint8
    ours = View(sampler.plan, name, preprocessor(layout))(clip)
    spec = sampler.plan.specs[name]
    frames = seen['frames'][sampler.plan.places(name)].ravel()
    stock = run_pipeline(video, FixedFrames(frames, spec.clip_len, spec.num_clips), layout)
    data = dict(inputs=[stock], data_samples=[ActionDataSample()])
    expected = preprocessor(layout)(data)['inputs']
    assert ours.shape == expected.shape and ours.dtype == expected.dtype
    assert torch.equal(ours, expected)


def test_colour_order_follows_the_models_preprocessor():
    plan = ViewPlan(dict(a=dict(clip_len=2, size=4)))
    clip = torch.randint(0, 256, (1, 1, 3, 2, 4, 4), dtype=torch.uint8)
    data = dict(inputs=[clip[0]], data_samples=[ActionDataSample()])
    expected = preprocessor('NCTHW', to_rgb=True)(data)['inputs']
    assert torch.equal(View(plan, 'a', preprocessor('NCTHW', to_rgb=True))(clip), expected)


@pytest.mark.parametrize('size', [(20, 20), (16, 16), (48, 30), (33, 47), (96, 64), (23, 80)])
def test_resizing_is_opencvs_bilinear_filter(size):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (2, 40, 64, 3), dtype=np.uint8)
    clip = torch.from_numpy(frames).permute(3, 0, 1, 2)[None, None]
    identity = MMACTION_MODELS.build(dict(type='ActionDataPreprocessor', format_shape='NCTHW'))
    view = View(ViewPlan(dict(a=dict(clip_len=2, size=size))), 'a', identity)
    ours = view(clip)
    assert ours.dtype == torch.float32
    for index, frame in enumerate(frames):
        got = ours[0, 0, :, index].permute(1, 2, 0).numpy()
        exact = cv2.resize(frame.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
        assert abs(got - exact).max() < 0.02
        stock = mmcv.imresize(frame, size[::-1], interpolation='bilinear')  # what Resize calls
        assert abs(got - stock).max() < 0.9 and abs(got - stock).mean() < 0.3


def test_antialias_smooths_what_shrinks_and_is_an_option_of_a_view():
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    clip = torch.from_numpy(frame).permute(2, 0, 1)[None, None, :, None]
    identity = MMACTION_MODELS.build(dict(type='ActionDataPreprocessor', format_shape='NCTHW'))
    plan = ViewPlan(dict(plain=dict(clip_len=1, size=16), smooth=dict(clip_len=1, size=16, antialias=True)))
    plain, smooth = (View(plan, name, identity)(clip) for name in ('plain', 'smooth'))
    expected = F.interpolate(clip[:, 0, :, 0].float(), (16, 16), mode='bilinear', antialias=True)
    assert torch.equal(smooth[:, 0, :, 0], expected)
    assert smooth.std() < 0.8 * plain.std()


def test_several_clips_keep_their_order():
    plan = ViewPlan(dict(a=dict(clip_len=2, num_clips=3, size=4)))
    clip = torch.arange(6, dtype=torch.uint8).view(1, 1, 1, 6, 1, 1).expand(2, 1, 3, 6, 4, 4)
    identity = MMACTION_MODELS.build(dict(type='ActionDataPreprocessor', format_shape='NCTHW'))
    view = View(plan, 'a', identity)(clip)
    assert view.shape == (2, 3, 3, 2, 4, 4)
    assert view[0, :, 0, :, 0, 0].tolist() == [[0, 1], [2, 3], [4, 5]]


def test_a_clip_view_for_a_segment_model_is_an_error_with_the_cure():
    with pytest.raises(ConfigError, match='give clip_len=1 and num_clips=8'):
        View(ViewPlan(VIEWS), 'clip', preprocessor('NCHW'))


def test_a_preprocessor_of_ones_own_is_said_to_be_read_in_part():
    class Brighter(ActionDataPreprocessor):
        def forward(self, data, training=False):
            data = super().forward(data, training)
            return {**data, 'inputs': data['inputs'] + 1}

    with mock.patch.object(view, 'print_log') as told:
        View(ViewPlan(VIEWS), 'clip', preprocessor('NCTHW'))
        assert not told.called
        View(ViewPlan(VIEWS), 'clip', Brighter(format_shape='NCTHW'))
    assert told.call_args.args[0].startswith('views.clip: of Brighter training reads mean, std, to_rgb and')
