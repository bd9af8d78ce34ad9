"""mmaction2's ``VideoDataset`` that says what is wrong with its files and outlives broken videos."""

from pathlib import Path
from typing import Any

from mmaction import datasets as mmaction_datasets
from mmengine.fileio import exists, list_from_file

from ..errors import DataError
from ..registry import DATASETS
from .robust import RobustVideos

PROBES = 20
REFETCH = 100


@DATASETS.register_module()
class VideoDataset(RobustVideos, mmaction_datasets.VideoDataset):
    """Videos and labels from a text file of lines ``<file> <label>``; the arguments are mmaction2's.

    Beside what :class:`~mmdualkd.datasets.robust.RobustVideos` does, annotations are checked when the data set is
    built, and blank lines are passed over.

    Args:
        ann_file: The text file.
        pipeline: Transforms.
        num_classes: Labels must be below it; None leaves that check to ``mmdualkd.PreflightHook``.
        max_refetch: Training gives up after so many undecodable videos in a row.
        **kwargs: As for mmaction2's ``VideoDataset`` (``data_prefix``, ``test_mode``, ``delimiter`` ...).

    Raises:
        DataError: If the file is missing or empty, a line is malformed, a label is out of range, or none of 20 videos
            spread over the file is there.
    """

    def __init__(
        self, ann_file: str, pipeline: list, num_classes: int | None = None, max_refetch: int = REFETCH, **kwargs: Any
    ) -> None:
        super().__init__(ann_file, pipeline=pipeline, num_classes=num_classes, max_refetch=max_refetch, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Gives ``filename`` and ``label`` of each line."""
        if not exists(self.ann_file):
            raise DataError(f'dataset.ann_file={str(self.ann_file)!r}: there is no such file')
        lines = list_from_file(self.ann_file)
        samples = [self._parse(number, line) for number, line in enumerate(lines, 1) if line.strip()]
        if not samples:
            raise DataError(f'dataset.ann_file={str(self.ann_file)!r} is empty')
        self._check_files(samples)
        return samples

    def _parse(self, number: int, line: str) -> dict:
        where = f'{self.ann_file}, line {number} ({line.strip()!r})'
        name, *labels = line.strip().split(self.delimiter)
        try:
            labels = [int(label) for label in labels]
        except ValueError:
            labels = None
        allowed = labels is not None and (self.multi_class or len(labels) == 1 or (self.test_mode and not labels))
        if not allowed or not name:
            wanted = '<file> <label> [<label> ...]' if self.multi_class else '<file> <label>'
            raise DataError(
                f'{where}: a line must be {wanted.replace(" ", self.delimiter)!r}, labels whole numbers '
                f'(for file names with {self.delimiter!r} in them set another dataset.delimiter)'
            )
        for label in labels:
            if label < 0:
                raise DataError(f'{where}: label {label} is negative')
            if self.num_classes is not None and label >= self.num_classes:
                raise DataError(f'{where}: label {label}, but dataset.num_classes={self.num_classes}')
        folder = self.data_prefix.get('video')
        filename = str(Path(folder) / name) if folder and '://' not in folder else f'{folder or ""}{name}'
        return dict(filename=filename, label=labels if self.multi_class else (labels or [-1])[0])

    def _check_files(self, samples: list[dict]) -> None:
        step = max(len(samples) // PROBES, 1)
        if not any(exists(sample['filename']) for sample in samples[::step]):
            raise DataError(
                f'none of {len(samples[::step])} videos of {self.ann_file} is there: '
                f'dataset.data_prefix={dict(self.data_prefix)}, the first one is {samples[0]["filename"]}'
            )
