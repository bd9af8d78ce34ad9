"""EPIC-KITCHENS-100: segments of long videos, named by the official CSVs."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from mmaction.datasets.transforms import DecordInit

from ..errors import ConfigError, DataError, check_name, listed
from ..registry import DATASETS, TRANSFORMS
from .reading import Video, open_video
from .video import VideoDataset

COLUMNS = ('participant_id', 'video_id', 'start_timestamp', 'stop_timestamp', 'verb_class', 'noun_class')
CLASSES = dict(verb=97, noun=300)
TARGETS = (*CLASSES, 'action')
EXTENSIONS = ('.MP4', '.mp4')


@TRANSFORMS.register_module()
class SegmentInit(DecordInit):
    """Opens a long video with decord and restricts it to one segment.

    It stands in place of ``DecordInit``. Samplers that follow (``SampleFrames``, ``SampleViews``) stay inside the
    segment, and loop inside it where it is shorter than the clip. The video is opened by its path and sought in, never
    read into memory as a whole.

    Frames are told by the video's frame rate; where its pictures are not evenly spaced (a variable frame rate) by their
    own times, and ``avg_fps`` is the segment's.

    Required Keys: filename, start_seconds, stop_seconds.
    Added Keys: video_reader, avg_fps, total_frames (of the segment), start_index (its first frame in the video).

    Args:
        num_threads: Threads that decode a video.
        short_side: As for :class:`~mmdualkd.datasets.opening.DecordInit`; None decodes videos at their own size.
    """

    def __init__(self, num_threads: int = 1, short_side: int | None = None) -> None:
        super().__init__(num_threads=num_threads)
        self.short_side = short_side

    def _get_video_reader(self, filename: str) -> Video:
        return open_video(filename, num_threads=self.num_threads, short_side=self.short_side)

    def transform(self, results: dict) -> dict:
        """Opens the video and sets the segment's frames, at least one.

        Raises:
            DataError: If the segment ends before it starts, or starts after the end of the video.
        """
        moments = results['start_seconds'], results['stop_seconds']
        if moments[1] < moments[0]:
            raise DataError(f'{results["filename"]}: a segment starts at {moments[0]} s and ends at {moments[1]} s')
        results = super().transform(results)
        frames, fps = results['total_frames'], results['avg_fps']
        times = uneven_times(results['video_reader'], fps)
        if times is None:
            first, stop = (round(moment * fps) for moment in moments)
        else:
            first, stop = np.searchsorted((times[:-1] + times[1:]) / 2, moments).tolist()
        if first >= frames:
            raise DataError(
                f'{results["filename"]} lasts {frames / fps:.2f} s, '
                f'but a segment starts at {results["start_seconds"]} s'
            )
        results['start_index'] = first
        results['total_frames'] = count = max(min(stop, frames) - first, 1)
        if times is not None:
            results['avg_fps'] = float(count / (times[first + count] - times[first]))
        return results


def uneven_times(video: Video, fps: float) -> np.ndarray | None:
    """When each picture of a video begins, and the last one ends, in seconds from the first.

    None where picture f begins at f / fps, to one picture, and where the file tells no times.
    """
    if not video.has_times:
        return None
    begins, ends = video.get_frame_timestamp(np.arange(len(video))).astype(np.float64).T
    times = np.append(begins, ends[-1]) - begins[0]
    return times if np.abs(times[:-1] * fps - np.arange(len(video))).max() > 1 else None


@DATASETS.register_module()
class EpicKitchens(VideoDataset):
    """Action segments of EPIC-KITCHENS-100 (https://arxiv.org/abs/2006.13256).

    Reads ``EPIC_100_train.csv`` or ``EPIC_100_validation.csv`` as published. Segments are cut by their timestamps and
    each video's own frame rate (or times, see :class:`SegmentInit`), so that re-encoded videos work as well. A video is
    looked for as ``P01/videos/P01_01.MP4`` (the official layout), ``P01/P01_01.MP4`` and ``P01_01.MP4``, also with
    ``.mp4``.

    Args:
        ann_file: The official CSV.
        pipeline: Transforms; the first is ``mmdualkd.SegmentInit``.
        data_prefix: ``dict(video=<folder of the videos>)``.
        target: The label: ``'verb'`` (97 classes), ``'noun'`` (300) or ``'action'``, the pair of both. The action
            classes are the pairs in ``train_ann_file``, ordered by verb class, then noun class; a segment of another
            pair has the label -1 when testing (no prediction matches it: it counts as wrong in top-1 and top-5, and is
            of no class in the mean class accuracy).
        train_ann_file: The training CSV, which says what the action classes are.
        num_classes: Classes that the model has, to be compared with the data set's. None compares nothing.
        **kwargs: As for :class:`~mmdualkd.datasets.video.VideoDataset`.

    Raises:
        ConfigError: If the target is unknown, a file or folder is missing, ``SegmentInit`` is not the pipeline's first
            transform, or the class counts differ.
        DataError: If the CSV lacks columns or segments, a row cannot be read, a class is out of range, or a video is
            missing.
    """

    def __init__(
        self,
        ann_file: str,
        pipeline: list,
        data_prefix: dict,
        target: str = 'verb',
        train_ann_file: str | None = None,
        num_classes: int | None = None,
        **kwargs: Any,
    ) -> None:
        check_name('dataset.target', target, TARGETS, 'target of EPIC-KITCHENS-100')
        opener = pipeline[0] if pipeline else None
        name = opener.get('type') if isinstance(opener, dict) else type(opener).__name__
        if not str(name).endswith('SegmentInit'):
            raise ConfigError(
                f"dataset.pipeline begins with {name!r}: begin with 'mmdualkd.SegmentInit', which cuts segments"
            )
        if target == 'action' and train_ann_file is None:
            raise ConfigError("dataset.target='action' needs dataset.train_ann_file, whose pairs are the classes")
        self.target = target
        self.train_ann_file = train_ann_file
        super().__init__(ann_file, pipeline, data_prefix=data_prefix, num_classes=num_classes, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Gives ``filename``, ``label``, ``start_seconds`` and ``stop_seconds`` of each segment."""
        folder = Path(self.data_prefix['video'])
        if not folder.is_dir():
            raise ConfigError(f'dataset.data_prefix.video={str(folder)!r}: there is no such folder')
        rows = read_rows(self.ann_file, 'dataset.ann_file')
        labels = self._labels(rows)
        files = {row['video_id']: row['participant_id'] for row in rows}
        files = {video: find_video(folder, participant, video) for video, participant in files.items()}
        missing = sorted(video for video, path in files.items() if path is None)
        if missing:
            raise DataError(
                f'{len(missing)} of {len(files)} videos of {self.ann_file} are not in {folder}: {listed(missing)} '
                f'(looked for as {missing[0][:3]}/videos/{missing[0]}.MP4 and {missing[0]}.MP4): look at '
                'dataset.data_prefix, or leave their rows out of a copy of the CSV'
            )
        return [
            dict(
                filename=str(files[row['video_id']]),
                label=label,
                start_seconds=seconds(row['start_timestamp']),
                stop_seconds=seconds(row['stop_timestamp']),
            )
            for row, label in zip(rows, labels, strict=True)
        ]

    def _labels(self, rows: list[dict]) -> list[int]:
        if self.target == 'action':
            train_rows = read_rows(self.train_ann_file, 'dataset.train_ann_file')
            pairs = sorted({*actions_of(train_rows, self.train_ann_file)})
            classes = {pair: index for index, pair in enumerate(pairs)}
            labels = [classes.get(pair, -1) for pair in actions_of(rows, self.ann_file)]
            unseen = labels.count(-1)
            if unseen and not self.test_mode:
                raise DataError(
                    f'{unseen} segments of {self.ann_file} have pairs that {self.train_ann_file} does not have'
                )
            count = len(classes)
        else:
            count = CLASSES[self.target]
            labels = classes_of(rows, self.target, self.ann_file)
        if self.num_classes not in (None, count):
            raise ConfigError(
                f'dataset.num_classes={self.num_classes}, but target={self.target!r} has {count} classes: '
                'set num_classes of the data set and of the model to it'
            )
        return labels


def read_rows(path: str, key: str) -> list[dict]:
    """Reads an annotation CSV and checks its columns.

    Args:
        path: The file.
        key: The config key that holds it, for errors.

    Raises:
        ConfigError: If there is no such file.
        DataError: If columns are missing, a row cannot be read, there are no segments, or the file is one of
            EPIC-KITCHENS-55, whose classes have other numbers.
    """
    if not Path(path).is_file():
        raise ConfigError(f'{key}={str(path)!r}: there is no such file')
    with open(path, encoding='utf-8-sig', newline='') as file:
        reader = csv.DictReader(file)
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise DataError(f'{key}={str(path)!r} lacks the columns {", ".join(missing)} (it has: {reader.fieldnames})')
        if 'uid' in reader.fieldnames and 'narration_id' not in reader.fieldnames:
            raise DataError(
                f"{key}={str(path)!r} is of EPIC-KITCHENS-55 (it has the column 'uid'), whose classes have other "
                'numbers: take EPIC_100_train.csv and EPIC_100_validation.csv'
            )
        rows = [_checked(row, f'{path}, line {reader.line_num}') for row in reader]
    if not rows:
        raise DataError(f'{key}={str(path)!r} has no segments')
    return rows


def classes_of(rows: list[dict], name: str, path: str) -> list[int]:
    """The verb or noun classes of a CSV's rows.

    Raises:
        DataError: If one is out of range.
    """
    labels, count = [int(row[f'{name}_class']) for row in rows], CLASSES[name]
    if wrong := sorted({label for label in labels if not 0 <= label < count}):
        raise DataError(f'{path}: {name}_class must be in 0 to {count - 1}, got {wrong[:5]}')
    return labels


def actions_of(rows: list[dict], path: str) -> list[tuple[int, int]]:
    """The (verb, noun) pairs of a CSV's rows; for errors see :func:`classes_of`."""
    return list(zip(*(classes_of(rows, name, path) for name in CLASSES), strict=True))


def _checked(row: dict, where: str) -> dict:
    """Gives a row back whose timestamps and classes can be read."""
    try:
        int(row['verb_class']), int(row['noun_class']), seconds(row['start_timestamp']), seconds(row['stop_timestamp'])
    except (ValueError, TypeError, AttributeError) as error:
        told = ', '.join(f'{column}={row[column]!r}' for column in COLUMNS[2:])
        raise DataError(f'{where}: timestamps must be h:m:s and classes whole numbers, got {told}') from error
    return row


def find_video(folder: Path, participant: str, video: str) -> Path | None:
    """Finds a video in the official layout or a flat one; None if it is in neither."""
    places = (folder / participant / 'videos', folder / participant, folder)
    return next((path for place in places for end in EXTENSIONS if (path := place / f'{video}{end}').is_file()), None)


def seconds(timestamp: str) -> float:
    """``'00:01:02.500'`` as seconds."""
    hours, minutes, rest = timestamp.split(':')
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)
