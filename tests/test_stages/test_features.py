"""Tokens and grids are two forms of the same features."""

import pytest
import torch

from mmdualkd.stages import Features


@pytest.mark.parametrize('num_extra', [0, 1, 2])
def test_tokens_become_a_grid_and_back_without_a_change(num_extra):
    tokens = torch.randn(2, num_extra + 2 * 3 * 4, 5)
    features = Features.from_tokens(tokens, (2, 3, 4), num_extra)
    assert torch.equal(features.to_tokens(num_extra), tokens)
    assert features.grid.shape == (2, 5, 2, 3, 4) and features.shape == (2, 3, 4)
    assert torch.equal(features.grid[:, :, 1, 2, 3], tokens[:, -1])
    assert torch.equal(features.grid[:, :, 0, 0, 1], tokens[:, num_extra + 1])
    assert (features.extra is None) if num_extra == 0 else torch.equal(features.extra, tokens[:, :num_extra])


def test_a_grid_becomes_tokens_and_back_without_a_change():
    grid, extra = torch.randn(2, 5, 2, 3, 4), torch.randn(2, 2, 5)
    back = Features.from_tokens(Features(grid, extra).to_tokens(2), (2, 3, 4), 2)
    assert torch.equal(back.grid, grid) and torch.equal(back.extra, extra)


def test_a_grid_without_class_token_gets_the_mean_of_its_cells_as_one():
    grid = torch.randn(2, 5, 1, 3, 4)
    tokens = Features(grid).to_tokens(2)
    assert tokens.shape == (2, 14, 5)
    torch.testing.assert_close(tokens[:, 0], grid.mean((2, 3, 4)))
    assert torch.equal(tokens[:, 0], tokens[:, 1])
