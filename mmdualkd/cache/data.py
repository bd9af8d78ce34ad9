"""A cache of teachers and the training data that it is of."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from mmengine.dist import is_main_process
from mmengine.logging import print_log

from ..datasets.labels import DROP
from ..datasets.wrappers import plain_datasets
from ..errors import CacheError, ConfigError
from .description import check_data, check_samples, describe_data, list_samples
from .store import TeacherCache


@dataclass
class RecordsOf:
    """The records of one of the data sets that a cache is of.

    Args:
        cache: The cache.
        first: The place of the data set's first sample among those of all.
    """

    cache: TeacherCache
    first: int

    def read(self, index: int, view: int) -> np.void:
        """Reads the record of a view of a sample."""
        return self.cache.read(view * self.cache.layout.samples + self.first + index)


def attach(cache: TeacherCache, dataset: object, cfg: Mapping | None, amp: bool = False) -> None:
    """Lets the samples of training bring their records.

    Args:
        cache: The cache.
        dataset: The training data set, in its wrappers.
        cfg: Its config.
        amp: Whether training is in mixed precision; the log says if the teachers were not, or the other way round.

    Raises:
        CacheError: If the cache is of other data; names what differs.
    """
    if not cfg:
        raise ConfigError('model.teacher_cache: the runner has no config to compare its train_dataloader.dataset with')
    parts = describe_data(dataset, cfg)
    check_data(cache.manifest, parts, cache.where)
    if is_main_process():  # each file is looked at
        drops = any(part.label_use.unlabelled == DROP for part in plain_datasets(dataset))
        hint = ": with unlabelled='drop' it needs a cache of its own, written with that" if drops else ''
        check_samples(cache.samples(), list_samples(dataset), cache.where, hint)
    first = 0
    for part in plain_datasets(dataset):
        if part.num_views is None:
            part.num_views = cache.num_views
        elif part.num_views > cache.num_views:
            raise CacheError(
                f'{cache.where} holds {cache.num_views} views of each sample, train_dataloader.dataset.num_views='
                f'{part.num_views} asks for more; {cache.command(part.num_views)} adds them'
            )
        part.attach(RecordsOf(cache, first))
        first += len(part)
    if amp != bool(cache.manifest['amp']):
        told = ('in mixed precision', 'in float32') if cache.manifest['amp'] else ('in float32', 'in mixed precision')
        message = f'{cache.where}: its teachers ran {told[0]}, this training is {told[1]}'
        print_log(message, logger='current', level=logging.WARNING)
    message = f'{cache.where}: {cache.num_views} views of {first} samples; no teacher is built or run'
    print_log(message, logger='current')
