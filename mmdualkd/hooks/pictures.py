"""The pictures of a test, each under a name of its own."""

import os
from collections.abc import Sequence

from mmengine.runner import Runner
from mmpretrain.engine.hooks import VisualizationHook
from mmpretrain.structures import DataSample

from ..datasets.pictures import is_blue_first
from ..datasets.wrappers import plain_datasets
from ..registry import HOOKS


@HOOKS.register_module()
class PicturesHook(VisualizationHook):
    """Draws the pictures of a test with their predictions, named by their paths below the folder of the data.

    MMPretrain's own names them by their files alone, so that of one name in several folders only the last is left, and
    exchanges red and blue of what MMCV has read.
    """

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[DataSample]) -> None:
        """Draws a batch."""
        dataset = next(plain_datasets(runner.test_dataloader.dataset))
        root = getattr(dataset, 'img_prefix', None) or None
        pictures = [
            picture.flip(0) if is_blue_first(dataset, sample.get('img_path')) else picture
            for picture, sample in zip(data_batch['inputs'], outputs, strict=True)
        ]
        super().after_test_iter(
            runner, batch_idx, {**data_batch, 'inputs': pictures}, [_named(sample, root) for sample in outputs]
        )


def _named(sample: DataSample, root: str | None) -> DataSample:
    """The same sample, its path below a folder as the name of a file."""
    if 'img_path' not in sample:
        return sample
    name = os.path.relpath(sample.img_path, root).replace(os.sep, '__')
    return sample.new(metainfo={**sample.metainfo, 'img_path': name})
