"""The data sets that a config describes, inside MMEngine's wrappers."""

from collections.abc import Iterator
from typing import Any

Keys = tuple[str | int, ...]


def plain_configs(dataset: Any, path: Keys = ()) -> Iterator[tuple[Keys, dict]]:
    """Gives where each data set inside the wrappers stands, and its config, in the order of ``plain_datasets``.

    Args:
        dataset: The config of a data set; what is none has nothing inside.
        path: Where it stands.
    """
    if not isinstance(dataset, dict):
        return
    if isinstance(dataset.get('dataset'), dict):
        yield from plain_configs(dataset['dataset'], (*path, 'dataset'))
    elif isinstance(dataset.get('datasets'), list | tuple):
        for place, part in enumerate(dataset['datasets']):
            yield from plain_configs(part, (*path, 'datasets', place))
    else:
        yield path, dataset
