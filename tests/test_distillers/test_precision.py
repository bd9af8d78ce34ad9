"""Models brought to another type as a whole, without autocast."""

import copy

import pytest
import tiny
import tiny_pictures
import torch

HYBRID = 'HybridAssistantDistiller'
PICTURES = {
    'cnn from vit': (tiny_pictures.cnn(), tiny_pictures.vit()),
    'vit from cnn': (tiny_pictures.vit(), tiny_pictures.cnn()),
}


@pytest.fixture(autouse=True)
def plain_kernels():
    """oneDNN's bfloat16 gradient of a Conv3d reads memory that nobody wrote on such tiny grids (torch 2.13, CPU)."""
    with torch.backends.mkldnn.flags(enabled=False):
        yield


def check(model, data):
    """A step in bfloat16 is near that in float32; losses and terms stay in float32, gradients are finite."""
    model.eval()  # the same statistics
    full = tiny.step_losses(model, data)
    before = copy.deepcopy(model.terms.state_dict())
    model.to(torch.bfloat16)
    models = {'student': model.student, **model.teachers}
    for name, part in models.items():
        assert {value.dtype for value in part.parameters()} == {torch.bfloat16}, name
    assert all(torch.equal(value, before[name]) for name, value in model.terms.state_dict().items())
    half = tiny.step_losses(model, data)
    for name, loss in half.items():
        if 'loss' in name:
            assert loss.dtype == torch.float32
            assert loss.item() == pytest.approx(full[name].item(), rel=0.1, abs=0.05), name
    model.parse_losses(half)[0].backward()
    assert all(value.grad.isfinite().all() for value in model.parameters() if value.grad is not None)
    assert model.student.state_dict().keys() and any(value.grad.any() for value in model.student.parameters())


@pytest.mark.parametrize('size', [32, 48], ids=['resized', 'as they are'])
def test_recognizers_train_in_bfloat16(tmp_path, size):
    terms = dict(
        kd=dict(type='FusedKD'), sdd=dict(type='SDD', residual='shared_head'), rkd=dict(type='RKD', teacher='vit'),
        maps=dict(type='SDD'), nce=dict(type='InfoNCE', source='cnn'),
    )  # fmt: skip
    views = {name: dict(clip_len=4, size=size) for name in tiny.VIEWS}
    check(tiny.build_distiller(tmp_path, terms=terms, views=views), tiny.batch(4))


@pytest.mark.parametrize('pair', PICTURES)
def test_classifiers_and_their_assistant_train_in_bfloat16(tmp_path, pair):
    check(tiny_pictures.build_distiller(tmp_path, *PICTURES[pair], HYBRID), tiny_pictures.batch())
