"""What a checkpoint says that its weights have learned from."""

import ast
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import DataError
from .annotations import file_of, read_annotations
from .rawframes import read_folders
from .samples import Sample

PREFIXES = ('video', 'img_path', 'img')


def training_samples(config: str | None) -> Iterator[Sample]:
    """The files that weights were trained on, as far as a checkpoint of MMEngine tells.

    The config is read as text, and no code in it is run.

    Args:
        config: Its text, see :func:`~mmdualkd.checkpoint.trained_with`.

    Yields:
        Each line of the annotation files of its training data that are still there.
    """
    yield from _samples(_setting(config, 'train_dataloader') if isinstance(config, str) else None)


def _samples(value: Any) -> list[Sample]:
    """What the data sets of a loader's config list, to any depth of wrappers; of folds and ``indices`` that part."""
    if isinstance(value, list):
        return [sample for part in value for sample in _samples(part)]
    if not isinstance(value, Mapping):
        return []
    named = isinstance(value.get('ann_file'), str) and value['ann_file']
    found = list(_listed(value)) if named else []
    found += [sample for part in value.values() for sample in _samples(part)]
    indices = value.get('indices')
    if str(value.get('type')).endswith('KFoldDataset'):
        names = [name for name in ('fold', 'num_splits', 'seed') if isinstance(value.get(name), int)]
        return _outside_fold(found, **{name: value[name] for name in names})
    if isinstance(indices, list):
        return [found[index] for index in indices if isinstance(index, int) and index < len(found)]
    return found[:indices] if isinstance(indices, int) else found


def _outside_fold(samples: list[Sample], fold: int = 0, num_splits: int = 5, seed: int | None = None) -> list[Sample]:
    """What MMPretrain's ``KFoldDataset`` trains on."""
    order = list(range(len(samples)))
    if seed is not None:
        np.random.default_rng(seed).shuffle(order)
    begin, end = (len(order) * place // num_splits for place in (fold, fold + 1))
    return [samples[index] for index in order[:begin] + order[end:]]


def _listed(dataset: Mapping[str, Any]) -> Iterator[Sample]:
    """The lines of a data set's annotation file; none if it is gone, or was in the store of another cluster."""
    root, prefix = dataset.get('data_root') or '', dataset.get('data_prefix') or ''
    if isinstance(prefix, Mapping):
        prefix = next((prefix[name] for name in PREFIXES if prefix.get(name)), '')
    folder, path = (os.path.join(*map(str, (root, part))) for part in (prefix, dataset['ann_file']))
    several = bool(dataset.get('multi_class'))
    if not os.path.isfile(path):
        return
    try:
        if str(dataset.get('type')).endswith('RawframeDataset'):
            lines = read_folders(path, bool(dataset.get('with_offset')), several)
        else:
            lines = [(line, {}) for line in read_annotations(path, dataset.get('delimiter') or ' ', several)]
    except DataError:  # another kind of list
        return
    for line, counts in lines:
        cut = tuple(counts.values()) if 'offset' in counts else None
        yield Sample(file_of(line.name, folder), cut, ())


def _setting(text: str, name: str) -> Any:
    """The plain value of a config's key; None where it is no dict of plain values."""
    try:
        lines = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return None
    values = [line.value for line in lines if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == name]
    return _plain(values[-1]) if values else None


def _plain(node: ast.expr) -> Any:
    """The value of a literal, or of a call of dict; None of anything else."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict':
        return {keyword.arg: _plain(keyword.value) for keyword in node.keywords}
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {key.value: _plain(value) for key, value in pairs if isinstance(key, ast.Constant)}
    if isinstance(node, ast.List | ast.Tuple):
        return [_plain(part) for part in node.elts]
    return node.value if isinstance(node, ast.Constant) else None
