"""The distiller's data preprocessor."""

from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from mmengine.registry import MODELS as MMENGINE_MODELS
from torch import nn


class ClipPreprocessor(BaseDataPreprocessor):
    """Moves the shared clip to the device once, as uint8; evaluation is the student's own preprocessor.

    Args:
        student: The student's ``data_preprocessor``, used as it is when not training.
        blending: Config of mmaction2's mixup or cutmix, applied to the clip before any view is made, so that all
            models see the same blend and its soft label.
    """

    def __init__(self, student: nn.Module, blending: dict | None = None) -> None:
        super().__init__()
        self.student = student
        self.blending = MMENGINE_MODELS.build({'_scope_': 'mmaction', **blending}) if blending else None

    def forward(self, data: dict, training: bool = False) -> Any:
        """In training gives the clip, (N, 1, 3, T, H, W), with its samples; otherwise the student's own input."""
        if not training:
            return self.student(data, training=False)
        data = self.cast_data(data)
        inputs, samples = torch.stack(list(data['inputs'])), data['data_samples']
        if self.blending is not None:
            inputs, samples = self.blending(inputs.float(), samples)
        return dict(inputs=inputs, data_samples=samples)
