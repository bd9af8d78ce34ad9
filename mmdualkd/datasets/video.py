"""mmaction2's ``VideoDataset`` that says what is wrong with its files and outlives broken videos."""

import logging
from pathlib import Path
from typing import Any

from mmaction import datasets as mmaction_datasets
from mmengine.fileio import exists, list_from_file
from mmengine.logging import print_log

from ..errors import DataError
from ..registry import DATASETS
from .robust import RobustVideos, counted_from_one

PROBES = 20
REFETCH = 100


@DATASETS.register_module()
class VideoDataset(RobustVideos, mmaction_datasets.VideoDataset):
    """Videos and labels from a text file of lines ``<file> <label>``; the arguments are mmaction2's.

    Beside what :class:`~mmdualkd.datasets.robust.RobustVideos` does, annotations are checked when the data set is
    built, blank lines are passed over, and a ``classes.txt`` beside the file (a name a line, as
    ``tools/make_annotations.py`` writes it) gives the classes their names unless ``metainfo`` does.

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
        key = f'dataset.ann_file={str(self.ann_file)!r}'
        if not exists(self.ann_file):
            raise DataError(f'{key}: there is no such file')
        try:
            lines = list_from_file(self.ann_file, encoding='utf-8-sig')
        except (OSError, UnicodeError) as error:
            raise DataError(f'{key} cannot be read as a text file in UTF-8: {error}') from error
        samples = [self._parse(number, line) for number, line in enumerate(lines, 1) if line.strip()]
        if not samples:
            raise DataError(f'{key} is empty')
        self._check_labels(samples, lines)
        self._check_files(samples)
        self._name_classes(samples)
        return samples

    def _check_labels(self, samples: list[dict], lines: list[str]) -> None:
        if self.num_classes is None:
            return
        numbers = [number for number, line in enumerate(lines, 1) if line.strip()]
        labels = [as_list(sample['label']) for sample in samples]
        for number, of_sample in zip(numbers, labels, strict=True):
            for label in of_sample:
                if label >= self.num_classes:
                    hint = counted_from_one({label for of_one in labels for label in of_one}, self.num_classes)
                    raise DataError(
                        f'{self.ann_file}, line {number} ({lines[number - 1].strip()!r}): label {label}, but '
                        f'dataset.num_classes={self.num_classes}{hint}'
                    )

    def _name_classes(self, samples: list[dict]) -> None:
        file = Path(self.ann_file).with_name('classes.txt')
        if self._metainfo.get('classes') or not file.is_file():
            return
        names = [line.strip() for line in list_from_file(file, encoding='utf-8-sig') if line.strip()]
        highest = max(label for sample in samples for label in [-1, *as_list(sample['label'])])
        if highest < len(names) and self.num_classes in (None, len(names)):
            self._metainfo['classes'] = names
        else:
            message = f'{file} is left alone: it names {len(names)} classes, which are not those of {self.ann_file}'
            print_log(message, logger='current', level=logging.WARNING)

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


def as_list(label: int | list[int]) -> list[int]:
    """A sample's labels, be it one or several."""
    return label if isinstance(label, list) else [label]
