"""Statistics of the global batch in one process (over two: ``test_losses/test_two_processes.py``)."""

import numpy as np
import pytest
import torch

from mmdualkd.global_batch import standardise_channels


@pytest.mark.parametrize('mean, deviation', [(0.0, 1.0), (100.0, 0.1), (-3e3, 2.0)])
@pytest.mark.parametrize('shape', [(4, 3), (4, 3, 2, 5, 5)])
def test_channels_are_standardised_to_float32s_rounding(mean, deviation, shape):
    grid = (np.random.default_rng(0).normal(size=shape) * deviation + mean).astype(np.float32)
    exact = grid.astype(np.float64)
    axes = (0, *range(2, len(shape)))
    exact = (exact - exact.mean(axes, keepdims=True)) / np.sqrt(exact.var(axes, keepdims=True) + 1e-5)
    np.testing.assert_allclose(standardise_channels(torch.tensor(grid)), exact, atol=2e-6)


def test_a_channel_that_never_varies_is_zero():
    grid = torch.cat([torch.full((4, 1, 2, 2, 2), 123.4), torch.randn(4, 1, 2, 2, 2)], dim=1)
    assert standardise_channels(grid)[:, 0].abs().max() < 1e-2
    assert not standardise_channels(torch.zeros(4, 2)).any()


def test_nothing_waits_for_the_device():
    assert standardise_channels(torch.zeros(4, 3, 2, 5, 5, device='meta')).shape == (4, 3, 2, 5, 5)
