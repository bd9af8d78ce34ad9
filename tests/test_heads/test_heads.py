import pytest
import torch

from mmdualkd.heads import OrthogonalProjection, StructureDiscrepancyBranch
from mmdualkd.heads.structure_discrepancy import SqueezeExcite


@pytest.mark.parametrize('channels, dim', [(5, 5), (12, 4), (4, 12)])
def test_orthogonal_projection_is_semi_orthogonal_and_fixed(channels, dim):
    module = OrthogonalProjection(channels, dim)
    gram = module.map @ module.map.t() if dim <= channels else module.map.t() @ module.map
    assert module.map.shape == (dim, channels)
    assert torch.allclose(gram, torch.eye(min(channels, dim)), atol=1e-5)
    assert not list(module.parameters())
    assert torch.equal(module.map, OrthogonalProjection(channels, dim).map)


def test_branch_keeps_the_grid_and_trains_every_parameter():
    torch.manual_seed(0)
    branch = StructureDiscrepancyBranch(6, 8)
    out = branch(torch.randn(2, 6, 2, 3, 3))
    assert out.shape == (2, 8, 2, 3, 3)
    out.square().mean().backward()
    assert all(parameter.grad is not None for parameter in branch.parameters())


def test_branch_sees_one_sample_at_a_time():
    torch.manual_seed(0)
    branch, grid = StructureDiscrepancyBranch(6, 8).train(), torch.randn(3, 6, 2, 3, 3)
    assert torch.allclose(branch(grid)[:1], branch(grid[:1]), atol=1e-6)


def test_squeeze_and_excitation_gives_each_channel_one_factor_wherever_its_cells_lie():
    torch.manual_seed(0)
    gate, grid = SqueezeExcite(8), torch.rand(2, 8, 2, 3, 3) + 1
    factors = gate(grid) / grid
    torch.testing.assert_close(factors, factors[..., :1, :1, :1].expand_as(factors))
    torch.testing.assert_close(gate(grid.flip(2, 3, 4)), gate(grid).flip(2, 3, 4))
