"""mmaction2's ``VideoDataset`` that says what is wrong with its files and outlives broken videos."""

from typing import Any

from mmaction import datasets as mmaction_datasets

from ..registry import DATASETS
from .annotations import check_files, file_of, read_annotations
from .reading import file_meant
from .robust_videos import RobustVideos

REFETCH = 100


@DATASETS.register_module()
class VideoDataset(RobustVideos, mmaction_datasets.VideoDataset):
    """Videos and labels from a text file of lines ``<file> <label>``; the arguments are mmaction2's.

    The label is what follows the last delimiter, so that names may have spaces (not those of ``multi_class``). -1 means
    that there is none, in training data alone.

    Beside what :class:`~mmdualkd.datasets.robust_videos.RobustVideos` does, annotations are checked when the data set
    is built, blank lines are passed over, and a ``classes.txt`` beside the file (a name a line, as
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
        labels = self.take_labels(lines)
        files = [file_meant(file_of(line.name, folder)) for line in lines]
        check_files(files, self.ann_file, self.data_prefix, self.noun)
        return [dict(filename=file, label=label) for file, label in zip(files, labels, strict=True)]
