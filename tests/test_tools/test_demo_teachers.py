"""Weights take the place of the demo's teachers only if there are some."""

import pytest
import torch
from make_demo_teachers import save_half

from mmdualkd.errors import CheckpointError


def test_a_checkpoint_without_weights_takes_no_teachers_place(tmp_path):
    out = tmp_path / 'teacher_vit.pth'
    torch.save(dict(state_dict=dict(weight=torch.ones(2))), tmp_path / 'whole.pth')
    save_half(tmp_path / 'whole.pth', out)
    kept = out.read_bytes()
    torch.save(dict(state_dict={}), tmp_path / 'empty.pth')
    with pytest.raises(CheckpointError, match=r"checkpoint: '.*empty.pth' holds no tensors of a model"):
        save_half(tmp_path / 'empty.pth', out)
    assert out.read_bytes() == kept
    assert torch.load(out, weights_only=True)['state_dict']['weight'].dtype == torch.float16
