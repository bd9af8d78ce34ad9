"""Without a checkpoint to go on from, `--resume` leaves `load_from` as it is."""

from collections import OrderedDict
from types import SimpleNamespace

import pytest
import torch
from helpers import call
from mmengine.logging import MMLogger

from mmdualkd import launch


@pytest.mark.parametrize('record, expected', [(False, (False, 'zoo.pth')), (True, (True, None))], ids=['none', 'some'])
def test_with_nothing_to_resume_training_begins_from_load_from(tmp_path, monkeypatch, capsys, record, expected):
    (tmp_path / 'job.py').write_text(f"model = dict()\nload_from = 'zoo.pth'\nwork_dir = {str(tmp_path)!r}\n")
    if record:
        (tmp_path / 'last_checkpoint').write_text('epoch_1.pth')
    seen = []
    monkeypatch.setattr(MMLogger, '_instance_dict', OrderedDict())  # an earlier one writes elsewhere
    monkeypatch.setattr(launch, 'build_runner', lambda cfg: SimpleNamespace(train=lambda: seen.append(cfg)))
    call('train.py', tmp_path / 'job.py', '--resume')
    assert (seen[0].resume, seen[0].load_from) == expected
    assert ("begins from load_from='zoo.pth'" in capsys.readouterr().out) != record


def test_with_load_from_too_checkpoints_that_no_record_names_are_not_overwritten(tmp_path, monkeypatch):
    (tmp_path / 'job.py').write_text(f"model = dict()\nload_from = 'zoo.pth'\nwork_dir = {str(tmp_path)!r}\n")
    torch.save(dict(state_dict={}, optimizer={}, message_hub={}), tmp_path / 'epoch_3.pth')
    monkeypatch.setattr(launch, 'build_runner', lambda cfg: pytest.fail('it begins anew'))
    with pytest.raises(SystemExit, match=r"^CheckpointError: resume: .*the newest is '.*epoch_3.pth'"):
        call('train.py', tmp_path / 'job.py', '--resume')
