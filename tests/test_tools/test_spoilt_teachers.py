"""tools/make_spoilt_teachers.py: each file does what its name says."""

from pathlib import Path

import make_spoilt_teachers
import torch
from mmaction.registry import MODELS
from mmengine.config import Config


def test_one_names_the_next_class_one_is_new_one_is_noisy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_spoilt_teachers.main()
    model = MODELS.build(Config.fromfile(make_spoilt_teachers.DEMO / 'teacher_vit.py').model).eval()
    clips = torch.randn(3, 3, 8, 48, 48, generator=torch.Generator().manual_seed(0))

    def logits(file):
        assert not any(model.load_state_dict(torch.load(file, weights_only=True)['state_dict']))
        with torch.no_grad():
            return model(clips.unsqueeze(1), mode='tensor', stage='head')

    teacher = logits(make_spoilt_teachers.DEMO / 'teacher_vit.pth')
    permuted, new, noisy = (logits(Path('work_dirs/spoilt', f'{name}.pth')) for name in ('permuted', 'random', 'noisy'))
    torch.testing.assert_close(permuted, teacher.roll(1, 1))
    assert not model.cls_head.fc_cls.bias.equal(torch.zeros(10))  # the noisy one's, as trained
    assert new.std() < 0.1 * teacher.std() and (noisy - teacher).std() > 0.1 * teacher.std()
