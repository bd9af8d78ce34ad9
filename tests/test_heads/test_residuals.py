"""A residual keeps what only the ViT has and loses what both teachers have."""

import numpy as np
import pytest
import torch
from torch import nn
from two_processes import run_two

from mmdualkd.global_batch import standardise_channels
from mmdualkd.heads import ClassMapResidual, ExplainedAwayResidual, SharedHeadResidual

CLASSES = 6


def mixed(samples=256, channels=(12, 10)):
    """Two teachers' grids whose channels mix a part that both have with one of their own, and the parts."""
    rng = torch.Generator().manual_seed(0)
    common = torch.randn(samples, 4, 2, 2, 2, generator=rng)
    parts = [torch.randn(samples, 4, 2, 2, 2, generator=rng) for _ in channels]
    grids = []
    for own, width in zip(parts, channels, strict=True):
        mix = torch.randn(width, 8, generator=rng)
        grids.append(torch.einsum('dc,ncthw->ndthw', mix, torch.cat([common, own], 1)) + 3)
    return grids, common, parts


def explained(residual, part):
    """The share of the residual's variance that a linear map of ``part`` explains."""
    y, x = (grid.movedim(1, -1).flatten(0, 3).double() for grid in (residual, part))
    y, x = y - y.mean(0), x - x.mean(0)
    fitted = x @ torch.linalg.lstsq(x, y).solution
    return (fitted.square().sum() / y.square().sum()).item()


def labels_of(samples):
    return torch.eye(CLASSES)[torch.arange(samples) % CLASSES]


def test_explained_away_loses_the_shared_part_and_keeps_the_vits_own():
    (vit, cnn), common, (own, _) = mixed()
    residual, loss = ExplainedAwayResidual(12, 10, 8)(vit, cnn, labels_of(len(vit)))
    assert explained(residual, common) < 0.02 < 0.9 < explained(residual, own)
    assert loss == 0


def test_class_maps_lose_the_shared_part_and_keep_the_private_ones():
    """Both heads read the shared part alike; each reads its own part besides."""
    _, common, parts = mixed()
    heads = [nn.Linear(4, CLASSES, bias=False) for _ in range(3)]
    shared, vit, cnn = (
        head(part.movedim(1, -1)).movedim(-1, 1) for head, part in zip(heads, (common, *parts), strict=True)
    )
    residual, _ = ClassMapResidual(CLASSES, 128)(shared + vit, shared + cnn, None)
    assert explained(residual, common) < 0.02
    assert explained(residual, torch.cat(parts, 1)) > 0.98


def test_a_shared_head_learns_a_space_in_which_most_of_what_both_have_goes():
    """Classes depend on what both have: of its variance in the ViT's map the residual keeps less than a quarter."""
    torch.manual_seed(0)
    (vit, cnn), common, _ = mixed()
    labels = torch.eye(CLASSES)[(common.mean((2, 3, 4)) @ torch.randn(4, CLASSES)).argmax(1)]
    module = SharedHeadResidual(12, 10, 8, CLASSES)
    optimizer = torch.optim.AdamW(module.parameters(), 1e-2)

    def kept():
        """Variance that the shared part explains in the residual, over that in the ViT's own map."""
        seen = module.of_vit(standardise_channels(vit)).detach()
        residual = module(vit, cnn, labels)[0]
        return explained(residual, common) * residual.var() / (explained(seen, common) * seen.var())

    before = kept()
    for _ in range(200):
        optimizer.zero_grad()
        module(vit, cnn, labels)[1].backward()
        optimizer.step()
    residual, loss = module(vit, cnn, labels)
    assert kept() < 0.25 < 1 < before
    assert residual.std() > 0.3 and not residual.requires_grad and loss.requires_grad


@pytest.mark.parametrize('steps', [0, 30])
def test_identical_teachers_leave_nothing_in_a_shared_head_however_long_it_trained(steps):
    torch.manual_seed(0)
    grid = torch.randn(8, 5, 2, 2, 2)
    module = SharedHeadResidual(5, 5, 4, CLASSES)
    optimizer = torch.optim.AdamW(module.parameters(), 1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        module(grid, grid.clone(), labels_of(8))[1].backward()
        optimizer.step()
    assert module(grid, grid.clone(), labels_of(8))[0].abs().max() < 1e-6


def test_identical_teachers_leave_no_more_than_the_ridges_shrinkage():
    """A direction of variance s keeps ridge / (s + ridge) of itself."""
    grid = torch.randn(64, 8, 2, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    grid = torch.einsum('dc,ncthw->ndthw', torch.diag(torch.logspace(-2, 2, 8, dtype=torch.float64)), grid)
    module = ExplainedAwayResidual(8, 8, 8).double()
    residual, _ = module(grid, grid.clone(), None)
    assert residual.std() == pytest.approx(0.01 / 1.01, rel=0.2)


def test_explained_away_equals_the_ridge_regression_over_all_batches_so_far():
    rng = np.random.default_rng(0)
    batches = [(rng.normal(5, 2, (7, 3, 2, 1, 2)), rng.normal(-50, 0.1, (7, 4, 2, 1, 2))) for _ in range(3)]
    module = ExplainedAwayResidual(3, 4, 3).double()
    for vit, cnn in batches:
        residual, _ = module(torch.tensor(vit), torch.tensor(cnn), None)

    def rows(grid):
        return np.moveaxis(grid, 1, -1).reshape(-1, grid.shape[1])

    every = [np.concatenate([rows(batch[part]) for batch in batches]) for part in (0, 1)]
    v, c = ((rows(batches[-1][part]) - every[part].mean(0)) / every[part].std(0) for part in (0, 1))
    whole_v, whole_c = ((x - x.mean(0)) / x.std(0) for x in every)
    n = len(whole_c)
    weights = np.linalg.inv(whole_c.T @ whole_c / n + 0.01 * np.eye(4)) @ (whole_c.T @ whole_v / n)
    expected = (v - c @ weights) @ module.project.map.numpy().T
    np.testing.assert_allclose(rows(residual.numpy()), expected, rtol=1e-7, atol=1e-9)


def test_moments_do_not_cancel_beside_a_large_mean():
    grid = 1000 + 0.1 * torch.randn(64, 3, 2, 2, 2, generator=torch.Generator().manual_seed(0))
    module = ExplainedAwayResidual(3, 3, 3)
    for part in grid.split(16):
        module(part, part.flip(1), None)
    deviation = (module.square / module.count).sqrt()[:3]
    expected = grid.flip(1).double().movedim(1, -1).flatten(0, 3).std(0, unbiased=False)
    torch.testing.assert_close(deviation.double(), expected, rtol=2e-3, atol=0)


def test_in_eval_mode_the_moments_stay():
    grid = torch.randn(4, 3, 1, 2, 2)
    module = ExplainedAwayResidual(3, 3, 2)
    module(grid, grid.flip(0), None)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module.eval()(grid + 5, grid, None)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def moments_of_parts(rank):
    """One of two processes' residual and moments after two batches of uneven parts."""
    module = ExplainedAwayResidual(3, 4, 3).double()
    for batch in range(2):
        vit, cnn = (part[:3] if rank == 0 else part[3:] for part in grids(batch))
        residual, _ = module(vit, cnn, None)
    return residual, module.state_dict()


def grids(batch):
    generator = torch.Generator().manual_seed(batch)
    return [5 + torch.randn(8, channels, 2, 1, 2, generator=generator, dtype=torch.float64) for channels in (3, 4)]


def test_explained_away_learns_from_the_parts_of_all_processes(tmp_path):
    (first, state), (second, other) = run_two(moments_of_parts, tmp_path)
    alone = ExplainedAwayResidual(3, 4, 3).double()
    for batch in range(2):
        residual, _ = alone(*grids(batch), None)
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(state[name], value, msg=name)
        torch.testing.assert_close(other[name], value, msg=name)
    torch.testing.assert_close(torch.cat([first, second]), residual)
