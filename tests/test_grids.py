"""Grids brought to a common size and time, and heads run on their cells."""

import families
import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import MODELS

from mmdualkd.errors import ConfigError
from mmdualkd.grids import pool_grid, score_cells, stretch_grid
from mmdualkd.outputs import run_model


def test_a_grid_that_fits_is_not_touched():
    grid = torch.randn(2, 3, 4, 5, 6)
    assert pool_grid(grid, (4, 5, 6)) is grid
    assert stretch_grid(grid, (4, 2, 6)) is grid


def test_what_is_averaged_is_laid_out_as_a_cache_gives_it():
    """A convolution of the same numbers in another layout rounds otherwise, and trainings from a cache would differ."""
    grid = torch.randn(2, 4, 5, 6, 3).movedim(-1, 1)
    assert not grid.is_contiguous()
    for size in ((2, 5, 6), (4, 1, 6), (4, 5, 2), (4, 5, 6)):
        assert pool_grid(grid, size).is_contiguous()


@pytest.mark.parametrize('size', [(2, 3, 1), (1, 1, 1), (4, 6, 5)])
def test_where_cells_divide_evenly_it_is_adaptive_pooling(size):
    grid = torch.randn(2, 3, 4, 6, 5, dtype=torch.float64)
    torch.testing.assert_close(pool_grid(grid, size), F.adaptive_avg_pool3d(grid, size))


def test_where_they_do_not_a_cell_counts_by_the_part_that_it_covers():
    grid = torch.tensor([1.0, 2, 4], dtype=torch.float64).view(1, 1, 3, 1, 1)
    pooled = pool_grid(grid, (2, 1, 1)).flatten()
    torch.testing.assert_close(pooled, torch.tensor([(1 + 0.5 * 2) / 1.5, (0.5 * 2 + 4) / 1.5], dtype=torch.float64))


def test_stretching_is_linear_interpolation():
    grid = torch.randn(2, 3, 2, 3, 4, dtype=torch.float64)
    expected = F.interpolate(grid, (5, 6, 4), mode='trilinear')
    torch.testing.assert_close(stretch_grid(grid, (5, 6, 3)), expected)


def test_windows_bring_models_that_see_different_times_to_the_same_moments():
    """Each cell holds the middle of its own time, in frames: 80 frames, and the 64 and 40 in the middle of them."""

    def moments(cells, start, stop):
        edges = torch.linspace(start, stop, cells + 1, dtype=torch.float64)
        return ((edges[1:] + edges[:-1]) / 2).view(1, 1, -1, 1, 1)

    common = [
        pool_grid(
            moments(cells, start, stop), (4, 1, 1), ((20 - start) / (stop - start), (60 - start) / (stop - start))
        )
        for cells, start, stop in ((16, 0, 80), (8, 8, 72), (4, 20, 60))
    ]
    for grid in common:
        torch.testing.assert_close(grid, common[-1], rtol=0, atol=1.5)  # half a cell of the coarsest, at the edges
    assert (pool_grid(moments(16, 0, 80), (4, 1, 1)) - common[-1]).abs().max() > 10  # what was compared without windows


@pytest.mark.parametrize('name', families.params())
def test_the_head_on_what_it_pools_gives_the_model_s_own_scores(name):
    model = families.build(name).eval()
    outputs = run_model(model, families.inputs(name, 2, torch.Generator().manual_seed(0)))
    cells = score_cells(model, outputs.grid)
    assert cells.is_contiguous()
    assert cells.shape == (*outputs.logits.shape, *outputs.grid.shape[2:]) and not cells.requires_grad
    if name.startswith('trn'):  # it relates different frames; a cell stands for all of them
        return
    pooled = score_cells(model, outputs.pooled[:, :, None, None, None]).flatten(1)
    torch.testing.assert_close(pooled, outputs.logits.detach(), rtol=1e-4, atol=1e-5)


def test_a_head_that_takes_no_single_vector_is_one_clear_error():
    model = families.build('x3d').eval()
    with pytest.raises(ConfigError, match='X3DHead gives no scores for a single vector of features'):
        score_cells(model, torch.zeros(1, 7, 1, 1, 1))


def test_what_inference_mode_computed_first_serves_training():
    grid, sizes = torch.randn(2, 3, 7, 5, 5), [(3, 2, 2), (9, 9, 9)]
    with torch.inference_mode():
        pool_grid(grid, sizes[0]), stretch_grid(grid, sizes[1])
    leaf = grid.clone().requires_grad_()
    (pool_grid(leaf, sizes[0]).sum() + stretch_grid(leaf, sizes[1]).sum()).backward()
    assert leaf.grad.isfinite().all()


def test_a_neck_that_does_not_average_is_part_of_the_head():
    from mmpretrain.models import ImageClassifier

    torch.manual_seed(0)
    backbone = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4)
    head = dict(type='LinearClsHead', num_classes=3, in_channels=32)
    with MODELS.switch_scope_and_registry('mmpretrain'):
        model = ImageClassifier(backbone, neck=dict(type='GeneralizedMeanPooling'), head=head).eval()
    outputs = run_model(model, torch.randn(2, 3, 64, 64))
    torch.testing.assert_close(model.head.fc(outputs.pooled), outputs.logits)
    assert not torch.allclose(outputs.pooled, outputs.grid.mean((2, 3, 4)), atol=1e-3)
    cell = torch.randn(2, 32, 1, 1, 1)  # negative features too, of which this neck makes its least
    expected = model.head(model.neck((cell[..., 0],)))
    torch.testing.assert_close(score_cells(model, cell).flatten(1), expected.detach())


def test_memory_that_runs_out_is_not_taken_for_a_wrong_head(monkeypatch):
    def full(*args):
        raise torch.OutOfMemoryError('no memory')

    model = families.build('x3d').eval()
    monkeypatch.setattr('mmdualkd.grids._score_rows', full)
    with pytest.raises(torch.OutOfMemoryError):
        score_cells(model, torch.zeros(1, 7, 1, 1, 1))
