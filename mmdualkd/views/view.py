"""What one model sees of the clip that all share."""

import logging

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.logging import print_log
from torch import Tensor, nn

from ..errors import ConfigError
from .plan import ViewPlan

READ_WHOLE = ('ActionDataPreprocessor', 'ClsDataPreprocessor')


class View(nn.Module):
    """Picks a model's frames out of the shared clip, resizes, normalises and lays them out, on the clip's device.

    Mean, standard deviation, colour order and layout are read from the model's own data preprocessor. Without resizing
    the result is the model's stock pipeline's, bit for bit. Resizing is OpenCV's bilinear filter, as in
    mmaction2's ``Resize``, which rounds to whole grey levels; here frames stay float32, less than one grey level from
    it. With ``antialias`` in the view they are smoothed as they shrink. Views get no gradient, and bilinear resizing is
    deterministic in its forward pass.

    Args:
        plan: The union that the clip holds.
        name: The model's name in the plan.
        preprocessor: The model's ``data_preprocessor`` (mmaction2's ``ActionDataPreprocessor`` or mmpretrain's
            ``ClsDataPreprocessor``).
    """

    def __init__(self, plan: ViewPlan, name: str, preprocessor: nn.Module) -> None:
        super().__init__()
        self.spec = plan.specs[name]
        places = plan.places(name).reshape(-1)
        self.whole_clip = np.array_equal(places, np.arange(plan.num_frames))
        self.register_buffer('places', torch.from_numpy(places), persistent=False)
        if type(preprocessor).__name__ not in READ_WHOLE:
            message = (
                f'{plan.key}.{name}: of {type(preprocessor).__name__} training reads mean, std, to_rgb and '
                'format_shape alone; what else it does is done in validation and tests, and in no view'
            )
            print_log(message, logger='current', level=logging.WARNING)
        layout = getattr(preprocessor, 'format_shape', 'picture')  # MMPretrain's preprocessors have none
        if layout == 'MIX2d3d':
            layout = 'NCHW' if self.spec.clip_len == 1 else 'NCTHW'
        if layout == 'NCHW' and self.spec.clip_len > 1:
            raise ConfigError(
                f'{plan.key}.{name}.clip_len={self.spec.clip_len}, but the model takes segments (format_shape NCHW): '
                f'give clip_len=1 and num_clips={self.spec.clip_len}; a 3D recognizer that says no format_shape has '
                "this one, and needs data_preprocessor=dict(format_shape='NCTHW') in its model"
            )
        if layout == 'picture' and (self.spec.clip_len, self.spec.num_clips) != (1, 1):
            raise ConfigError(f'{plan.key}.{name}: the model takes one picture a sample, not {self.spec}')
        divisor = getattr(preprocessor, 'pad_size_divisor', 1)
        if any(side % divisor for side in self.spec.sides):
            raise ConfigError(
                f'{plan.key}.{name}.size={self.spec.size}: the model pads its pictures to multiples of '
                f'pad_size_divisor={divisor}, and views are not padded: give a multiple'
            )
        self.layout = layout
        self.to_rgb = bool(getattr(preprocessor, 'to_rgb', False))
        mean, std = getattr(preprocessor, 'mean', None), getattr(preprocessor, 'std', None)
        self.normalise = mean is not None
        if self.normalise:
            self.register_buffer('mean', mean.detach().flatten().clone(), persistent=False)
            self.register_buffer('std', std.detach().flatten().clone(), persistent=False)

    def is_like(self, other: 'View') -> bool:
        """Whether another view makes the same tensor of every clip."""
        if (self.spec, self.layout, self.to_rgb) != (other.spec, other.layout, other.to_rgb):
            return False
        ours, theirs = (dict(view.named_buffers()) for view in (self, other))
        return ours.keys() == theirs.keys() and all(torch.equal(value, theirs[name]) for name, value in ours.items())

    def forward(self, clip: Tensor) -> Tensor:
        """Makes the view.

        Args:
            clip: (N, 1, 3, T, H, W), uint8 or float in [0, 255], T the plan's number of frames.

        Returns:
            Tensor: float32; (N, clips, 3, clip_len, h, w), (N, segments, 3, h, w) where the model takes segments,
                or (N, 3, h, w) where it takes pictures.
        """
        x = clip[:, 0]
        if not self.whole_clip:
            x = x.index_select(2, self.places)
        if self.to_rgb:
            x = x.flip(1)
        x = self._resize(x)
        if self.layout == 'NCHW':
            x = x.transpose(1, 2)
        elif self.layout == 'picture':
            x = x[:, :, 0]
        x = self._normalise(x)
        if self.layout != 'NCTHW':
            return x
        return x.unflatten(2, (self.spec.num_clips, self.spec.clip_len)).transpose(1, 2).contiguous()

    def _normalise(self, x: Tensor) -> Tensor:
        """In one tensor of floats: to ask a CPU for the memory of another takes longer than the arithmetic."""
        if not self.normalise:
            return x.float().contiguous()
        place = [1] * x.dim()
        place[2 if self.layout == 'NCHW' else 1] = -1
        x = x.contiguous()
        return (x - self.mean.view(place)).div_(self.std.view(place))

    def _resize(self, x: Tensor) -> Tensor:
        height, width = self.spec.sides
        if x.shape[-2:] == (height, width):
            return x
        flat = x.float().flatten(1, 2)  # (N, 3 T, H, W): frames resized as channels of one picture
        flat = F.interpolate(flat, size=(height, width), mode='bilinear', antialias=self.spec.antialias)
        return flat.view(*x.shape[:3], height, width)
