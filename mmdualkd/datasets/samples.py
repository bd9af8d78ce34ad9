"""Files and labels of data sets, whatever their kind."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..names import FILES, LABELS
from .wrappers import plain_datasets

CUTS = ('start_seconds', 'stop_seconds'), ('offset', 'total_frames')  # of a video, of a folder of frames


@dataclass(frozen=True)
class Sample:
    """What a data set says of a sample.

    Attributes:
        file: Its video, picture or folder of frames; None if it has none on this machine.
        cut: Which part of the video (or of the folder of frames) it is; None for all.
        labels: Its labels; none if it is not labelled.
    """

    file: str | None
    cut: tuple | None
    labels: tuple[int, ...]


def samples_of(dataset: object) -> Iterator[Sample]:
    """Gives each sample of the data sets inside MMEngine's wrappers once."""
    for plain in plain_datasets(dataset):
        for index in range(len(plain)):
            info = plain.get_data_info(index)
            file = next((info[key] for key in FILES if info.get(key)), None)
            label = next((info[key] for key in LABELS if key in info), -1)
            yield Sample(
                str(file) if file is not None and '://' not in str(file) else None,
                cut_of(info),
                tuple(int(one) for one in np.atleast_1d(label) if int(one) >= 0),
            )


def cut_of(info: Mapping) -> tuple | None:
    """Which part of a video, or of a folder of frames, a sample is; None for all."""
    return next((tuple(info.get(key) for key in keys) for keys in CUTS if info.get(keys[0]) is not None), None)
