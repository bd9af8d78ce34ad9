"""A random crop that is resized once."""

import cv2
import mmcv
import numpy as np
from mmaction.datasets.transforms import RandomResizedCrop
from mmcv.transforms import BaseTransform

from ..errors import ConfigError
from ..registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomCropResize(BaseTransform):
    """Crops what mmaction2's ``Resize``, ``RandomResizedCrop`` and ``Resize`` crop together, and resizes once.

    The crop is drawn by the stock transform, with the same random numbers, in the frame as ``Resize(scale=(-1,
    short_side))`` would have left it; then its place in the decoded frame is cut out and resized, the only filter that
    pixels pass. The place is rounded to whole pixels of the decoded frame.

    Required Keys: imgs, img_shape.
    Modified Keys: imgs, img_shape. Added Keys: crop_bbox, in pixels of the decoded frame.

    Args:
        size: Height and width of the result in pixels.
        short_side: The short side that the stock recipe resizes frames to. It decides where crops can lie.
        area_range: The crop's part of the frame's area, from and to.
        aspect_ratio_range: The crop's width over height, from and to.

    Raises:
        ConfigError: If a side is no whole number from 1.
    """

    def __init__(
        self,
        size: int = 224,
        short_side: int = 256,
        area_range: tuple[float, float] = (0.08, 1.0),
        aspect_ratio_range: tuple[float, float] = (3 / 4, 4 / 3),
    ) -> None:
        for name, side in (('size', size), ('short_side', short_side)):
            if type(side) is not int or side < 1:
                raise ConfigError(f'mmdualkd.RandomCropResize: {name} must be a whole number from 1, got {side!r}')
        self.size, self.short_side = size, short_side
        self.ranges = tuple(area_range), tuple(aspect_ratio_range)

    def transform(self, results: dict) -> dict:
        """Draws the crop, cuts it out of every frame and resizes it."""
        height, width = results['img_shape']
        resized = mmcv.rescale_size((width, height), (np.inf, self.short_side))
        box = RandomResizedCrop.get_crop_bbox(resized[::-1], *self.ranges)
        scale = np.array([width, height, width, height]) / np.array([*resized, *resized])
        left, top, right, bottom = np.rint(box * scale).astype(int).tolist()
        right, bottom = max(right, left + 1), max(bottom, top + 1)
        results['imgs'] = [
            cv2.resize(image[top:bottom, left:right], (self.size, self.size), interpolation=cv2.INTER_LINEAR)
            for image in results['imgs']
        ]
        results['img_shape'] = (self.size, self.size)
        results['crop_bbox'] = np.array([left, top, right, bottom])
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(size={self.size}, short_side={self.short_side})'
