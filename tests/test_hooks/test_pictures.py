"""Pictures of a test, as --show-dir writes them."""

from types import SimpleNamespace

import pytest
import torch
from mmpretrain.datasets.transforms import PILToNumpy
from mmpretrain.engine.hooks import VisualizationHook
from mmpretrain.structures import DataSample

from mmdualkd.hooks.pictures import PicturesHook


@pytest.mark.parametrize(
    ('file', 'transforms', 'shown'),
    [
        ('/data/a/b.jpg', [], [2, 1, 0]),  # MMCV reads blue first
        (None, [], [0, 1, 2]),
        (None, [PILToNumpy(to_bgr=True)], [2, 1, 0]),
    ],
)
def test_pictures_are_shown_in_their_own_colours_under_their_paths(monkeypatch, file, transforms, shown):
    seen = []
    monkeypatch.setattr(VisualizationHook, 'after_test_iter', lambda self, runner, *args: seen.append(args))
    dataset = SimpleNamespace(img_prefix='/data', pipeline=SimpleNamespace(transforms=transforms))
    runner = SimpleNamespace(test_dataloader=SimpleNamespace(dataset=SimpleNamespace(dataset=dataset)))
    sample = DataSample(metainfo=dict(img_path=file) if file else {})
    data = dict(inputs=torch.arange(3).view(1, 3, 1, 1))
    PicturesHook.__new__(PicturesHook).after_test_iter(runner, 0, data, [sample])
    [(_, batch, [named])] = seen
    assert batch['inputs'][0].flatten().tolist() == shown and data['inputs'].flatten().tolist() == [0, 1, 2]
    assert named.get('img_path') == ('a__b.jpg' if file else None)
