"""The distiller's data preprocessors, for clips and for pictures."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor, nn

from ..errors import ConfigError
from ..names import FILES
from .labels import class_rows, labelled_of

DARK = 10.0  # no batch of pictures is darker than that, of 255, throughout


class ClipPreprocessor(BaseDataPreprocessor):
    """Moves the shared clip to the device once, as uint8; evaluation is the student's own preprocessor.

    Args:
        student: The student's ``data_preprocessor``, used as it is when not training.
        blending: mmaction2's mixup or cutmix, applied to the clip before any view is made, so that all models see the
            same blend and its soft label.
    """

    def __init__(self, student: nn.Module, blending: Callable | None = None) -> None:
        super().__init__(non_blocking=True)  # of pinned memory; else it makes no difference
        self.student = student
        self.blending = blending
        self.looked = False  # at the values of a batch

    def forward(self, data: dict, training: bool = False) -> Any:
        """In training gives the clip, (N, 1, 3, T, H, W), with its samples; otherwise the student's own input."""
        if not training:
            return self.student(data, training=False)
        check_batch(data, 'FormatShape and PackActionInputs')
        look_once(self, data['inputs'])
        labelled = labelled_of(data['data_samples'])
        data = self.cast_data(with_stacked_records(data))
        inputs, samples = torch.stack(list(data['inputs'])), data['data_samples']
        if self.blending is not None:
            inputs = blend_apart(self._blend, inputs.float(), samples, labelled)
        return dict(inputs=inputs, data_samples=samples, **marks(labelled), **records(data))

    def _blend(self, inputs: Tensor, samples: list, labelled: bool) -> Tensor:
        if not labelled:
            return self.blending.do_blending(inputs, inputs.new_zeros(len(inputs), 1))[0]
        inputs, samples = self.blending(inputs, samples)
        for sample in samples:  # a RandomBatchAugment that leaves a batch as it is gives rows of whole numbers
            sample.set_gt_label(sample.gt_label.float())
        return inputs


class PicturePreprocessor(BaseDataPreprocessor):
    """The same for pictures: each is handed on as a clip of one frame.

    Args:
        student: The student's ``data_preprocessor`` (MMPretrain's ``ClsDataPreprocessor``).
        num_classes: Classes, for soft labels.
        blending: MMPretrain's ``RandomBatchAugment`` (mixup, cutmix).
        rows: Whether the student's loss needs labels as rows over the classes (``to_onehot``).
    """

    def __init__(
        self, student: nn.Module, num_classes: int, blending: Callable | None = None, rows: bool = False
    ) -> None:
        super().__init__(non_blocking=True)  # of pinned memory; else it makes no difference
        self.student = student
        self.num_classes = num_classes
        self.blending = blending
        self.rows = rows
        self.looked = False

    def forward(self, data: dict, training: bool = False) -> Any:
        """In training gives the pictures, (N, 1, 3, 1, H, W), with their samples; otherwise the student's own input."""
        if not training:
            return self.student(data, training=False)
        check_batch(data, 'PackInputs')
        look_once(self, data['inputs'])
        labelled = labelled_of(data['data_samples'])
        data = self.cast_data(with_stacked_records(data))
        pictures, samples = data['inputs'], data['data_samples']
        if not torch.is_tensor(pictures):  # pseudo_collate gives a list
            pictures = torch.stack(list(pictures))
        if self.blending is not None:
            pictures = blend_apart(self._blend, pictures.float(), samples, labelled)
        elif self.rows:
            own = [sample for place, sample in enumerate(samples) if labelled is None or labelled[place]]
            self._give_scores(own, class_rows(own, self.num_classes) if own else ())
        return dict(inputs=pictures[:, None, :, None], data_samples=samples, **marks(labelled), **records(data))

    def _blend(self, pictures: Tensor, samples: list, labelled: bool) -> Tensor:
        if not labelled:
            return self.blending(pictures, pictures.new_zeros(len(pictures), self.num_classes))[0]
        pictures, scores = self.blending(pictures, class_rows(samples, self.num_classes))
        self._give_scores(samples, scores)
        return pictures

    @staticmethod
    def _give_scores(samples: list, scores: Iterable[Tensor]) -> None:
        for sample, score in zip(samples, scores, strict=True):
            sample.set_gt_score(score)


def check_batch(data: dict, last: str) -> None:
    """Refuses a batch of samples that are not packed, or of several sizes.

    Args:
        data: The batch.
        last: What their pipeline should end with.

    Raises:
        ConfigError: Names what is missing, or two samples and their sizes.
    """
    if missing := [key for key in ('inputs', 'data_samples') if key not in data]:
        raise ConfigError(f'the train pipeline hands on no {missing[0]!r}: let it end with {last}')
    first, *others = data['inputs']
    if other := next((place for place, one in enumerate(others, 1) if one.shape != first.shape), None):
        shown = [
            f'{tuple(data["inputs"][place].shape)} of {_name(data["data_samples"][place])}' for place in (0, other)
        ]
        raise ConfigError(
            f'the train pipeline hands on samples of several sizes, {" and ".join(shown)}: let it crop or resize all '
            'of them to one'
        )


@torch.compiler.disable  # it reads values
def look_once(preprocessor: nn.Module, inputs: Iterable[Tensor]) -> None:
    """Refuses a first batch that was normalised already: each model normalises its own view of 0 to 255.

    Args:
        preprocessor: What remembers, by its attribute ``looked``, that it was looked at.
        inputs: The samples, not on a device yet.

    Raises:
        ConfigError: Says from where to where the values go.
    """
    if not preprocessor.looked and all(one.is_floating_point() for one in inputs):  # decoders give uint8
        low, high = min(float(one.min()) for one in inputs), max(float(one.max()) for one in inputs)
        if low < -DARK or high <= DARK:
            raise ConfigError(
                f'the train pipeline hands on values from {low:.3g} to {high:.3g}, and each model of a distiller '
                'normalises its view of 0 to 255 by its own data_preprocessor: take out what scales or normalises them '
                '(Normalize, ToTensor)'
            )
    preprocessor.looked = True


def _name(sample: Any) -> str:
    return next((str(sample.get(key)) for key in FILES if key in sample), 'another one')


def blend_apart(blend: Callable, inputs: Tensor, samples: list, labelled: list[bool] | None) -> Tensor:
    """Blends samples that have a label among themselves, and the others among themselves.

    A blend of both would have no label: of few labels hardly one would be left.

    Args:
        blend: Blends inputs of samples, given whether they have labels.
        inputs: (N, ...) float.
        samples: N samples; those with labels are given soft ones.
        labelled: Which have a label; None if all have.
    """
    if labelled is None:
        return blend(inputs, samples, True)
    blended = list(inputs)
    for part in (True, False):
        places = [place for place, has in enumerate(labelled) if has == part]
        if places:
            rows = blend(torch.stack([inputs[place] for place in places]), [samples[place] for place in places], part)
            for place, row in zip(places, rows, strict=True):
                blended[place] = row
    return torch.stack(blended)


def marks(labelled: list[bool] | None) -> dict[str, list[bool]]:
    """Which samples have a label, for the distiller; nothing if all have."""
    return {} if labelled is None else dict(labelled=labelled)


def with_stacked_records(data: dict) -> dict:
    """A batch with the records of a cache of teachers, where it has any, as one tensor (N, bytes): one copy to move."""
    rows = data.get('teacher_rows')
    return data if rows is None or torch.is_tensor(rows) else {**data, 'teacher_rows': torch.stack(list(rows))}


def records(data: dict) -> dict[str, Tensor]:
    """These records alone, for the distiller."""
    return {name: data[name] for name in ('teacher_rows',) if name in data}
