"""What a study's cache is written for."""

import pytest
from mmengine.config import Config

from mmdualkd.errors import CacheError
from mmdualkd.study import caches


def distillation(**student):
    model = dict(
        type='mmdualkd.DualTeacherDistiller', student=dict(config='a', **student), teachers=dict(vit=dict(config='t'))
    )
    return Config(dict(model=model, train_dataloader=dict(dataset=dict(type='mmdualkd.VideoDataset'))))


def test_a_cache_is_written_for_every_student_whose_grid_may_be_another_but_not_for_each_start(tmp_path, monkeypatch):
    asked = []

    class Tool:
        error = 'not run'

        def __init__(self, name, words, log, threads):
            asked.append(words[: words.index('--out')])

        def wait(self):
            return 1

    monkeypatch.setattr(caches, 'Tool', Tool)
    configs = [distillation(**student) for student in ({}, dict(checkpoint='b.pth'), dict(model=dict(width=2)))]
    with pytest.raises(CacheError, match='the cache of the teachers failed: not run'):
        caches.write_cache(configs, tmp_path, 2, 'float16', 1)
    assert [Config.fromfile(file).model.student for file in asked[0]] == [
        configs[0].model.student, configs[2].model.student
    ]  # fmt: skip
    assert caches.group_of(configs[0]) == caches.group_of(configs[2])
