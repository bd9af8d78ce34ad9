"""MMPretrain's picture data sets that outlive broken files and draw each sample from its own seed."""

import logging
from pathlib import PurePath
from typing import Any

from mmengine.logging import print_log
from mmpretrain import datasets
from mmpretrain.datasets.custom import find_folders, get_samples

from ..errors import ConfigError, DataError, listed
from ..registry import DATASETS
from .annotations import Line, check_files, file_of, names_beside, read_annotations
from .finding import SUFFIXES
from .labels import UNLABELLED
from .robust import RobustDataset, source_of

MARK = '\ufeff'  # a byte-order mark


class RobustPictures(RobustDataset):
    """The mix-in for MMPretrain's data sets; arguments, names and annotations are those of the class it stands before.

    ``max_refetch`` (default 1000): training gives up after so many undecodable pictures in a row.
    """

    noun = 'pictures'

    def load_data_list(self) -> list[dict]:
        """Gives file (or pixels) and label of each picture.

        Raises:
            DataError: If there are none, folder or annotation file cannot be read, or none of 20 pictures spread over
                the file is there.
        """
        try:
            samples = super().load_data_list()
        except (OSError, RuntimeError, ValueError) as error:
            raise DataError(f'{source_of(self)} cannot be read as labelled pictures: {error}') from error
        if not samples:
            raise DataError(f'{source_of(self)} is empty')
        if MARK in str(samples[0].get(self.file, '')):  # MMPretrain takes an editor's mark for part of a name
            samples[0][self.file] = samples[0][self.file].replace(MARK, '')
        if self.ann_file and samples[0].get(self.file):  # ImageNet's may be found beside folders that it is not of
            check_files([info[self.file] for info in samples], self.ann_file, self.data_prefix, self.noun)
        return samples

    def _find_samples(self) -> list:
        """As MMPretrain's, but a hidden folder (``.ipynb_checkpoints``) is no class and holds no pictures.

        A warning tells of pictures whose names end otherwise than in ``extensions``.
        """
        if not self.with_label:
            return super()._find_samples()
        classes = tuple(name for name in find_folders(self.img_prefix)[0] if not name.startswith('.'))
        if self.CLASSES is not None and len(self.CLASSES) != len(classes):
            raise DataError(f'it has {len(classes)} folders, but metainfo has {len(self.CLASSES)} classes')
        self.folder_to_idx = {name: label for label, name in enumerate(classes)}
        others = []

        def is_taken(name: str) -> bool:
            taken = self.is_valid_file(name)
            if not taken and name.lower().endswith(SUFFIXES) and not _is_hidden(name):
                others.append(name)
            return taken

        samples, empty = get_samples(self.img_prefix, self.folder_to_idx, is_taken)
        if not samples:
            raise DataError(f'no file in its folders ends in {", ".join(sorted(self.extensions))}')
        if others:
            ends = ', '.join(sorted({PurePath(name).suffix.lower() for name in others}))
            message = (
                f'{source_of(self)}: {len(others)} pictures are left out, whose names end in {ends}: name these in '
                f'dataset.extensions beside {", ".join(sorted(self.extensions))}, or list the files (dataset.ann_file)'
            )
            print_log(message, logger='current', level=logging.WARNING)
        if empty:
            message = f'{source_of(self)}: no picture in {listed(sorted(empty))}, which count as classes'
            print_log(message, logger='current', level=logging.WARNING)
        if self.CLASSES is None:
            self._metainfo['classes'] = classes
        return samples

    def is_valid_file(self, filename: str) -> bool:
        """Whether a file below a folder is a picture of it."""
        return super().is_valid_file(filename) and not _is_hidden(filename)


def _is_hidden(filename: str) -> bool:
    return any(part.startswith('.') for part in PurePath(filename).parts)


def is_blue_first(dataset: object, file: str | None) -> bool:
    """Whether a data set gives a picture with blue before red: as MMCV reads a file, or turned so by its pipeline.

    Args:
        dataset: The data set, without wrappers.
        file: The picture's file; None if it comes as pixels, which are RGB in CIFAR.
    """
    transforms = getattr(getattr(dataset, 'pipeline', None), 'transforms', ())
    return bool(file) or any(getattr(transform, 'to_bgr', False) for transform in transforms)


@DATASETS.register_module()
class CustomDataset(RobustPictures, datasets.CustomDataset):
    """Pictures in one folder a class, or listed in a text file of lines ``<file> <label>``.

    Beside a list, ``classes.txt`` (a name a line, as ``tools/make_annotations.py`` writes it) gives the classes their
    names unless ``metainfo`` does.

    Args:
        per_class: Takes so many pictures of each class, evenly spaced in their order (by name in a folder, by line in a
            list), as in a task with few labelled pictures, and all that have no label; None takes all.
        **kwargs: As for mmpretrain's ``CustomDataset``.

    Raises:
        ConfigError: If ``per_class`` is no whole number from 1.
        DataError: If a class has fewer pictures; if a list is missing or empty, a line is malformed, or none of 20
            pictures spread over it is there.
    """

    def __init__(self, *args: Any, per_class: int | None = None, **kwargs: Any) -> None:
        if per_class is not None and (not isinstance(per_class, int) or per_class < 1):
            raise ConfigError(f'dataset.per_class must be None or a whole number from 1, got {per_class!r}')
        self.per_class = per_class
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Gives file and label of each picture that is used."""
        samples = self._of_list() if self.ann_file and self.with_label else super().load_data_list()
        if self.per_class is None:
            return samples
        by_label: dict[int, list[dict]] = {}
        for info in samples:
            by_label.setdefault(int(info['gt_label']), []).append(info)
        chosen = by_label.pop(UNLABELLED, [])
        for label, infos in sorted(by_label.items()):
            if len(infos) < self.per_class:
                raise DataError(
                    f'{source_of(self)}: class {label} has {len(infos)} pictures, fewer than per_class={self.per_class}'
                )
            chosen += [infos[index * len(infos) // self.per_class] for index in range(self.per_class)]
        return chosen

    def _of_list(self) -> list[dict]:
        """The samples of a text file; names of classes from beside it."""
        lines = read_annotations(self.ann_file, folder=self.img_prefix, test_mode=self.test_mode)
        files = [file_of(line.name, self.img_prefix) for line in lines]
        check_files(files, self.ann_file, self.data_prefix, self.noun)
        if not self._metainfo.get('classes') and (names := names_beside(self.ann_file, {*_labels(lines)})):
            self._metainfo['classes'] = names
        return [dict(img_path=file, gt_label=label) for file, label in zip(files, _labels(lines), strict=True)]


def _labels(lines: list[Line]) -> list[int]:
    return [(line.labels or [UNLABELLED])[0] for line in lines]


@DATASETS.register_module()
class ImageNet(RobustPictures, datasets.ImageNet):
    """ImageNet-1K: by the list ``meta/<split>.txt`` where there is one, otherwise one folder a class."""


@DATASETS.register_module()
class CIFAR10(RobustPictures, datasets.CIFAR10):
    """CIFAR-10 in its Python form; nothing needs decoding, so that only the seeding is ours."""


@DATASETS.register_module()
class CIFAR100(RobustPictures, datasets.CIFAR100):
    """CIFAR-100 in its Python form; nothing needs decoding, so that only the seeding is ours."""
