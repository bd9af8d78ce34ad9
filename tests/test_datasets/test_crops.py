import random

import numpy as np
import pytest
from mmaction.datasets.transforms import Flip, RandomResizedCrop, Resize
from mmcv.transforms import Compose

from mmdualkd.datasets import RandomCropResize
from mmdualkd.errors import ConfigError

STOCK = [Resize(scale=(-1, 256)), RandomResizedCrop(), Resize(scale=(224, 224), keep_ratio=False)]


def smooth(height, width):
    """Two frames of slow waves, which resizing changes little."""
    y, x = np.mgrid[:height, :width] * 6 / height
    frame = np.stack([np.sin(x + phase) * np.cos(y - phase) for phase in range(3)], axis=-1)
    frame = (127 + 120 * frame).astype(np.uint8)
    return [frame, frame[::-1].copy()]


def run(transforms, frames, seed):
    np.random.seed(seed)
    random.seed(seed)
    results = Compose([*transforms, Flip(0.5)])(dict(imgs=frames, img_shape=frames[0].shape[:2], modality='RGB'))
    return results, (np.random.rand(), random.random())


@pytest.mark.parametrize('shape', [(240, 320), (512, 640), (300, 220), (720, 1280), (256, 256)])
def test_it_cuts_out_what_the_stock_transforms_cut_out_with_the_same_random_numbers(shape):
    frames = smooth(*shape)
    for seed in range(20):
        ours, after = run([RandomCropResize()], frames, seed)
        stock, expected = run(STOCK, frames, seed)
        assert after == expected
        assert ours['flip_direction'] == stock['flip_direction'] and ours['flip'] == stock['flip']
        assert ours['img_shape'] == stock['img_shape'] == (224, 224) and len(ours['imgs']) == 2
        for mine, theirs in zip(ours['imgs'], stock['imgs'], strict=True):
            assert mine.shape == (224, 224, 3) and mine.dtype == np.uint8
            assert np.abs(mine.astype(int) - theirs).mean() < 2.5  # the crop's edges are rounded to other whole pixels


def test_frames_that_need_no_resizing_before_the_crop_come_out_bit_for_bit():
    frames = smooth(256, 340)
    for seed in range(10):
        ours, stock = run([RandomCropResize()], frames, seed)[0], run(STOCK, frames, seed)[0]
        assert np.array_equal(ours['crop_bbox'], stock['crop_bbox'])
        assert all(np.array_equal(mine, theirs) for mine, theirs in zip(ours['imgs'], stock['imgs'], strict=True))


def test_frames_smaller_than_a_crop_of_one_pixel_still_give_one():
    results, _ = run([RandomCropResize(short_side=2000)], smooth(3, 3), 0)
    assert results['imgs'][0].shape == (224, 224, 3)


@pytest.mark.parametrize('name', ['size', 'short_side'])
@pytest.mark.parametrize('value', [0, 2.5, True, None])
def test_a_side_that_is_none_is_named(name, value):
    with pytest.raises(ConfigError, match=f'RandomCropResize: {name} must be a whole number from 1, got {value}'):
        RandomCropResize(**{name: value})
