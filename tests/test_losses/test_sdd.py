"""The structure-discrepancy term, as a whole."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from steps import of_grids, prepared
from torch import nn

from mmdualkd.errors import ConfigError
from mmdualkd.grids import pool_grid
from mmdualkd.losses import SDD, Step
from mmdualkd.losses.sdd import RESIDUALS
from mmdualkd.outputs import Outputs

CLASSES = 7


class Teacher(nn.Module):
    """A model whose head maps single vectors linearly."""

    def __init__(self, channels, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.head = nn.Sequential()
        self.head.fc = nn.Linear(channels, CLASSES)
        self.head.forward = lambda feats: self.head.fc(feats[-1])


def make_step(samples=5, widths=(4, 6, 5), **kwargs):
    step = of_grids(samples, CLASSES, widths=widths, **kwargs)
    for seed, (model, width) in enumerate(zip(step.teachers.values(), widths[1:], strict=True), 1):
        model.network = Teacher(width, seed).double()
    return step


@pytest.mark.parametrize('grid', [None, (1, 1, 1)])
def test_with_class_maps_it_equals_its_formula(grid):
    step = make_step()
    term = prepared(SDD(grid=grid, residual='class_maps'), step)
    assert term.grid == (grid or (2, 2, 3))

    def class_map(name):
        pooled = pool_grid(step.teachers[name].grid, term.grid).numpy()
        fc = step.teachers[name].network.head.fc
        scores = np.einsum('kc,ncthw->nthwk', fc.weight.detach().numpy(), pooled) + fc.bias.detach().numpy()
        return (scores - scores.mean(-1, keepdims=True)) / scores.std(-1, keepdims=True)

    residual = np.moveaxis(class_map('vit') - class_map('cnn'), -1, 1)
    branch = term.branch(pool_grid(step.student.grid, term.grid)).detach().numpy()
    np.testing.assert_allclose(term(step).item(), ((branch - residual) ** 2).mean(), rtol=1e-4)
    np.testing.assert_allclose(step.log['term/residual_std'].item(), residual.std(), rtol=1e-4)


@pytest.mark.parametrize('residual', RESIDUALS)
def test_identical_teachers_leave_no_residual(residual):
    step = make_step(samples=64, widths=(4, 6, 6), sizes=((3, 4, 4), (2, 3, 3), (2, 3, 3)))
    step.teachers['cnn'] = step.teachers['vit']
    term = prepared(SDD(residual=residual), step)
    term(step)
    assert step.log['term/residual_std'] < (0.02 if residual == 'explained_away' else 1e-12)


@pytest.mark.parametrize('residual', RESIDUALS)
def test_different_teachers_leave_one_and_training_the_term_does_not_shrink_it(residual):
    step = make_step(8, sizes=((2, 3, 3),) * 3)
    student = torch.cat([step.teachers['vit'].grid, step.teachers['cnn'].grid], dim=1)  # all the residual is made of
    step.student = Outputs(step.student.logits, None, student)
    term = prepared(SDD(residual=residual, dim=8), step)
    optimizer = torch.optim.Adam(term.parameters(), 1e-2)
    sizes, errors = [], []
    for _ in range(200):
        optimizer.zero_grad()
        loss = term(step)
        own = term.residual(*_read(term, step), step.labels)[1].item()
        loss.backward()
        optimizer.step()
        sizes.append(step.log['term/residual_std'].item())
        errors.append((loss.item() - own) / sizes[-1] ** 2)
    assert errors[-1] < 0.5 * errors[0]
    assert sizes[-1] > 0.9 * sizes[0] > 0.2


def _read(term, step):
    vit, cnn = (pool_grid(step.teachers[name].grid, term.grid) for name in ('vit', 'cnn'))
    return term._class_maps(step) if term.kind == 'class_maps' else (vit, cnn)


def test_no_gradient_of_the_mse_reaches_the_learned_maps():
    step = make_step()
    term = prepared(SDD(residual='shared_head', dim=4), step)
    term(step).backward()
    gradient = term.residual.of_vit.weight.grad.clone()
    term.zero_grad()
    term.residual(*_read(term, step), step.labels)[1].backward()
    torch.testing.assert_close(gradient, term.residual.of_vit.weight.grad)


@pytest.mark.parametrize('residual', RESIDUALS)
def test_gradients_are_those_of_finite_differences(residual):
    step = make_step(4)
    term = prepared(SDD(residual=residual, dim=4), step).eval()
    term.train()(step)  # moments
    term.eval()

    def value(grid):
        return term(Step(Outputs(None, None, grid), step.teachers, step.labels))

    assert torch.autograd.gradcheck(value, (step.student.grid,), atol=1e-4)


def test_cells_are_compared_at_the_same_moments():
    """Student and CNN see 80 frames, the ViT the 64 in the middle: an event at one moment meets itself."""
    step = make_step(sizes=((10, 1, 1), (8, 1, 1), (10, 1, 1)), windows=((0, 1), (0.1, 0.9), (0, 1)), widths=(4, 6, 6))
    for model, event in ((step.teachers['vit'], 5), (step.teachers['cnn'], 6)):  # frames 48 to 56 in both
        model.grid.zero_()
        model.grid[:, :, event] = 1
    term = prepared(SDD(), step)
    assert term.grid == (8, 1, 1)
    read = []
    term.branch.register_forward_pre_hook(lambda branch, grids: read.append(grids[0]))
    term(step)
    assert step.log['term/residual_std'] < 1e-6
    torch.testing.assert_close(read[0], step.student.grid[:, :, 1:9])


def test_segments_of_a_video_and_clips_share_no_moments_so_time_is_averaged_out():
    step = make_step(windows=((0, 1), None, (0, 1)))
    assert prepared(SDD(), step).grid == (1, 2, 3)
    with pytest.raises(ConfigError, match='segments and clips share no moments'):
        prepared(SDD(grid=(2, 1, 1)), step)
    assert prepared(SDD(), make_step(windows=(None,) * 3)).grid == (2, 2, 3)


def test_more_classes_than_dim_are_projected():
    step = make_step()
    term = prepared(SDD(dim=3, residual='class_maps'), step)
    term(step)
    assert term.branch.layers[-1].out_channels == 3


def test_nothing_pools_with_an_operation_that_is_not_deterministic_on_cuda(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError('its backward is not deterministic on CUDA')

    for name in ('adaptive_avg_pool3d', 'interpolate'):
        monkeypatch.setattr(F, name, refuse)
    step = make_step()
    prepared(SDD(), step)(step).backward()
    assert step.student.grid.grad.abs().sum() > 0


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(residual='class_map'), "did you mean 'class_maps'"),
        (dict(grid=(2, 2)), r'grid must be None or three positive whole numbers \(T, H, W\), got \(2, 2\)'),
        (dict(grid=4), 'grid must be None or three'),
        (dict(grid=(2, 2, 0)), 'grid must be None or three'),
        (dict(grid=(2, 2.5, 1)), 'grid must be None or three'),
        (dict(dim=0), 'dim must be a whole number from 1, got 0'),
        (dict(vit='cnn'), "vit and cnn must be two teachers, both are 'cnn'"),
    ],
)
def test_wrong_arguments_are_one_clear_error(arguments, message):
    with pytest.raises(ConfigError, match=message):
        SDD(**arguments)
