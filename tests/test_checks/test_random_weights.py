"""Random weights in place of checkpoints that are not there."""

import pytest
from helpers import full_disk
from mmengine.config import ConfigDict
from tiny import resnet3d

from mmdualkd.checks.random_weights import with_random_teachers
from mmdualkd.errors import CheckpointError


def test_a_temporary_folder_without_room_is_one_clear_error(tmp_path):
    model = ConfigDict(teachers=dict(vit=dict(config=resnet3d(4, 2))), num_classes=2)
    with full_disk(1000), pytest.raises(CheckpointError, match=r"vit\.pth' cannot be written: File too large"):
        with_random_teachers(model, tmp_path, ['vit'])
    assert not list(tmp_path.iterdir())
