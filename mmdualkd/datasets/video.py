"""mmaction2's ``VideoDataset`` that says what is wrong with its files and outlives broken videos."""

from typing import Any

from mmaction import datasets as mmaction_datasets

from ..errors import DataError
from ..registry import DATASETS
from .annotations import Line, check_files, file_of, names_beside, read_annotations
from .labels import UNLABELLED
from .reading import file_meant
from .robust import RobustVideos, counted_from_one

REFETCH = 100


@DATASETS.register_module()
class VideoDataset(RobustVideos, mmaction_datasets.VideoDataset):
    """Videos and labels from a text file of lines ``<file> <label>``; the arguments are mmaction2's.

    The label is what follows the last delimiter, so that names may have spaces (not those of ``multi_class``). -1 means
    that there is none, in training data alone.

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
        folder = self.data_prefix.get('video')
        lines = read_annotations(self.ann_file, self.delimiter, self.multi_class, self.test_mode, folder)
        self._check_labels(lines)
        files = [file_meant(file_of(line.name, folder)) for line in lines]
        check_files(files, self.ann_file, self.data_prefix, self.noun)
        if not self._metainfo.get('classes'):
            names = names_beside(self.ann_file, {label for line in lines for label in line.labels}, self.num_classes)
            self._metainfo.update(dict(classes=names) if names else {})
        labels = [line.labels if self.multi_class else (line.labels or [UNLABELLED])[0] for line in lines]
        return [dict(filename=file, label=label) for file, label in zip(files, labels, strict=True)]

    def _check_labels(self, lines: list[Line]) -> None:
        labels = {label for line in lines for label in line.labels}
        for line in lines if self.num_classes is not None else ():
            for label in line.labels:
                if label >= self.num_classes:
                    hint = counted_from_one(labels, self.num_classes)
                    raise DataError(f'{line.where}: label {label}, but dataset.num_classes={self.num_classes}{hint}')
