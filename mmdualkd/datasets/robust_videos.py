"""What every video data set of ours does."""

import functools
from collections.abc import Sequence
from typing import Any

import torch
from mmaction.datasets.transforms import DecordInit
from mmengine.dataset import BaseDataset

from ..errors import ConfigError
from .annotations import Line, check_range, names_beside
from .labels import UNLABELLED, is_unlabelled
from .reading import file_meant, open_video
from .robust import RobustDataset


class RobustVideos(RobustDataset):
    """The mix-in for video data sets on mmaction2's ``BaseActionDataset``."""

    noun = 'videos'
    pixels = 'imgs'
    file = 'filename'
    label = 'label'

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.multi_class and self.num_classes is None:
            raise ConfigError(
                'dataset.multi_class=True needs dataset.num_classes: samples bring a row of so many labels, 0 or 1 each'
            )
        for transform in self.pipeline.transforms:
            # Given a file's bytes, as DecordInit gives them, decord hangs or crashes on an AVI that was cut short; and
            # which pictures it gives is exact only by open_video.
            if type(transform) is DecordInit and transform.io_backend == 'disk':
                transform._get_video_reader = functools.partial(open_video, num_threads=transform.num_threads)

    def filter_data(self) -> list[dict]:
        """Gives the samples that are used, video files by the names that they are read by."""
        for info in self.data_list:
            if info.get('filename'):  # not a folder of frames: beside it there may be the video
                info['filename'] = file_meant(info['filename'])
        return super().filter_data()

    def take_labels(self, lines: Sequence[Line]) -> list[int] | list[list[int]]:
        """Gives the label of each line of the list, or its labels with ``multi_class``, and takes names beside it.

        Raises:
            DataError: If one is out of range.
        """
        found = check_range(lines, self.num_classes)
        if not self._metainfo.get('classes'):
            names = names_beside(self.ann_file, found, self.num_classes)
            self._metainfo.update(dict(classes=names) if names else {})
        return [line.labels if self.multi_class else (line.labels or [UNLABELLED])[0] for line in lines]

    def get_data_info(self, idx: int) -> dict:
        """What is known of a sample; of several labels a row of 1 for each, or of -1 where it has no label."""
        info = super().get_data_info(idx)
        if self.multi_class and is_unlabelled(BaseDataset.get_data_info(self, idx)[self.label]):
            info[self.label] = torch.full_like(info[self.label], UNLABELLED)
        return info
