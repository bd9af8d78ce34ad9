"""All models' views of a clip, those that are alike made once."""

from collections import Counter
from collections.abc import Mapping

from torch import Tensor

from .view import View


def first_alike(views: Mapping[str, View]) -> dict[str, str]:
    """For each view the name of the first one that makes the same of every clip, often its own."""
    return {name: next(first for first in views if view.is_like(views[first])) for name, view in views.items()}


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
