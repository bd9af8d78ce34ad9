"""mmaction2's ``RawframeDataset`` that says what is wrong with its folders and outlives broken frames."""

import os
from collections.abc import Sequence
from typing import Any

from mmaction import datasets as mmaction_datasets
from mmengine.fileio import exists

from ..errors import DataError
from ..registry import DATASETS
from .annotations import PROBES, Line, check_files, check_signs, file_of, read_lines
from .draws import parts_of
from .robust_videos import RobustVideos
from .video import REFETCH


@DATASETS.register_module()
class RawframeDataset(RobustVideos, mmaction_datasets.RawframeDataset):
    """Videos as folders of frames; a text file lists them. The arguments are mmaction2's ``RawframeDataset``'s.

    A line is ``<folder> <frames> <label>``, with ``with_offset`` ``<folder> <offset> <frames> <label>``, a part of
    them. -1 means that there is no label, in training data alone. A pipeline for it is one for videos without what
    opens them, with ``RawFrameDecode`` in place of what decodes.

    Beside what :class:`~mmdualkd.datasets.robust_videos.RobustVideos` does, the list is checked when the data set is
    built, blank lines are passed over, names may have spaces (not those of ``multi_class``), and a ``classes.txt``
    beside the file gives the classes their names unless ``metainfo`` does. A frame that is missing or no picture makes
    a video one that does not decode.

    Args:
        ann_file: The text file.
        pipeline: Transforms.
        num_classes: Labels must be below it; None leaves that check to ``mmdualkd.PreflightHook``.
        max_refetch: Training gives up after so many undecodable videos in a row.
        **kwargs: As for mmaction2's ``RawframeDataset`` (``data_prefix=dict(img=...)``, ``filename_tmpl``,
            ``start_index``, ``with_offset``, ``modality``, ``multi_class`` ...).

    Raises:
        DataError: If the list is missing or empty, a line is malformed, a label is out of range, none of 20 folders
            spread over the list is there, or the first or last frame of each of them is not.
    """

    file = 'frame_dir'

    def __init__(
        self, ann_file: str, pipeline: list, num_classes: int | None = None, max_refetch: int = REFETCH, **kwargs: Any
    ) -> None:
        super().__init__(ann_file, pipeline, num_classes=num_classes, max_refetch=max_refetch, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Gives ``frame_dir``, ``total_frames``, ``label`` and, with ``with_offset``, ``offset`` of each line."""
        prefix = self.data_prefix.get('img')
        parsed = read_folders(self.ann_file, self.with_offset, self.multi_class, self.test_mode)
        labels = self.take_labels([line for line, _ in parsed])
        infos = [
            dict(frame_dir=file_of(line.name, prefix), **counts, label=label)
            for (line, counts), label in zip(parsed, labels, strict=True)
        ]
        self._check_folders(infos)
        return infos

    def _check_folders(self, infos: Sequence[dict]) -> None:
        """Refuses a list of which none of 20 folders is there, or none has its first and its last frame."""
        folders = [info[self.file] for info in infos]
        if folders[0].rpartition(' ')[2].isdecimal() and not exists(folders[0]):
            raise DataError(
                f'{self.ann_file}: there is no folder {folders[0]!r}: lines of more numbers need '
                'dataset.with_offset=True or dataset.multi_class=True'
            )
        check_files(folders, self.ann_file, self.data_prefix, self.noun)
        if self.modality != 'RGB':  # its names are of two files a frame
            return
        probes = [info for info in infos[:: max(len(infos) // PROBES, 1)] if os.path.isdir(info[self.file])]
        absent = [[file for file in self._ends(info) if not exists(file)] for info in probes]
        if absent and all(absent):
            there = sorted(os.listdir(probes[0][self.file]))
            has = f'{len(there)} files, {there[0]} to {there[-1]}' if there else 'no file'
            raise DataError(
                f'{self.ann_file}: frames are not there in any of {len(probes)} folders, such as {absent[0][0]}, whose '
                f'folder has {has}: look at dataset.filename_tmpl={self.filename_tmpl!r}, '
                f'dataset.start_index={self.start_index} and the numbers of frames'
            )

    def _ends(self, info: dict) -> list[str]:
        """The files of a sample's first and last frame."""
        first = self.start_index + info.get('offset', 0)
        numbers = (first, first + info['total_frames'] - 1)
        return [os.path.join(info[self.file], self.filename_tmpl.format(number)) for number in numbers]

    def _content(self, idx: int) -> list[int]:
        """Checksums of parts of the first and the last frame."""
        info = self.get_data_info(idx)
        return [part for file in self._ends(info) for part in parts_of(file)] if self.modality == 'RGB' else []


def read_folders(
    path: str, with_offset: bool = False, several: bool = False, test_mode: bool = False
) -> list[tuple[Line, dict[str, int]]]:
    """Reads a list of folders of frames: each line, and its ``total_frames`` and, with it, ``offset``.

    Args:
        path: The list.
        with_offset: Whether the offset stands before the number of frames.
        several: Whether a line may have several labels.
        test_mode: Whether the list is of a test: a line may be without a label, and none may have the label -1.

    Raises:
        DataError: If it cannot be read, or a line is malformed.
    """
    keys, found = ['offset', 'total_frames'] if with_offset else ['total_frames'], []
    wanted = ' '.join(['<folder>', *(f'<{key}>' for key in keys), '<label>'])
    hint = '' if with_offset else ' (dataset.with_offset=True for <folder> <offset> <total_frames> <label>)'
    for where, text in read_lines(path):
        name, *numbers = text.split() if several else text.rsplit(None, len(keys) + 1)
        try:
            numbers = [int(number) for number in numbers]
        except ValueError:
            numbers = []
        counts, labels = dict(zip(keys, numbers, strict=False)), numbers[len(keys) :]
        if len(counts) < len(keys) or not (labels or test_mode):
            raise DataError(f'{where}: a line must be {wanted!r}, whole numbers behind the folder{hint}')
        if counts['total_frames'] < 1 or counts.get('offset', 0) < 0:
            raise DataError(f'{where}: {counts}, and a part has one frame at least')
        check_signs(labels, where, test_mode)
        found.append((Line(where, name, labels), counts))
    return found
