"""A picture folder of which only some are used."""

from typing import Any

from ..errors import ConfigError, DataError
from ..registry import DATASETS
from .pictures import CustomDataset


@DATASETS.register_module()
class FewPictures(CustomDataset):
    """The same number of pictures of each class, evenly spaced in the order of their names.

    It stands for a task with few labelled pictures; which are taken depends on nothing but the folder.

    Args:
        per_class: Pictures of each class, at least 1.
        **kwargs: As for mmpretrain's ``CustomDataset``.

    Raises:
        ConfigError: If ``per_class`` is no whole number from 1.
        DataError: If a class has fewer pictures.
    """

    def __init__(self, per_class: int, **kwargs: Any) -> None:
        if not isinstance(per_class, int) or per_class < 1:
            raise ConfigError(f'FewPictures.per_class must be a whole number from 1, got {per_class!r}')
        self.per_class = per_class
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict]:
        by_label: dict[int, list[dict]] = {}
        for info in super().load_data_list():
            by_label.setdefault(int(info['gt_label']), []).append(info)
        chosen = []
        for label, infos in sorted(by_label.items()):
            if len(infos) < self.per_class:
                raise DataError(
                    f'{self.img_prefix}: class {label} has {len(infos)} pictures, fewer than per_class={self.per_class}'
                )
            chosen += [infos[index * len(infos) // self.per_class] for index in range(self.per_class)]
        return chosen
