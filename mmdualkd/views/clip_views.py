"""All models' views of a clip, those that are alike made once."""

import logging
from collections import Counter
from collections.abc import Mapping

from mmengine.logging import print_log
from torch import Tensor

from .view import View


def first_alike(views: Mapping[str, View]) -> dict[str, str]:
    """For each view the name of the first one that makes the same of every clip, often its own."""
    return {name: next(first for first in views if view.is_like(views[first])) for name, view in views.items()}


def tell_colours(views: Mapping[str, View]) -> None:
    """Warns of models that take the channels of one clip or picture in different orders, by their ``to_rgb``.

    Weights may have learned either order (MobileViT's take blue first), so it is no error.

    Args:
        views: All models' views.
    """
    turned = [name for name, view in views.items() if view.to_rgb]
    others = [name for name in views if name not in turned]
    if turned and others:
        message = (
            f'red and blue are exchanged for {", ".join(turned)} (data_preprocessor.to_rgb=True) and not for '
            f'{", ".join(others)}: make sure that the weights of each have learned that order'
        )
        print_log(message, logger='current', level=logging.WARNING)


class ClipViews:
    """The views of a clip, made as they are asked for, once each; a tensor is let go of with the last one who needs it.

    A model that wrote into its input would write into that of others: what was written into is made anew.

    Args:
        views: All models' views.
        alike: What :func:`first_alike` says of them.
        clip: See :meth:`View.forward <mmdualkd.views.view.View.forward>`.
    """

    def __init__(self, views: Mapping[str, View], alike: Mapping[str, str], clip: Tensor) -> None:
        self.views = views
        self.alike = alike
        self.clip = clip
        self._left = Counter(alike.values())
        self._made: dict[str, tuple[Tensor, int]] = {}

    def __getitem__(self, name: str) -> Tensor:
        first = self.alike[name]
        self._left[first] -= 1
        made, version = self._made.pop(first, (None, 0))
        if made is None or made._version != version:
            made = self.views[name](self.clip)
        if self._left[first] and not made.is_inference():  # such tensors do not tell when they were written into
            self._made[first] = made, made._version
        return made
