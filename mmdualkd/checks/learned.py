"""What the weights that a training begins with have learned from: clips that judge the student must not be among it."""

import ast
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..checkpoint import read_checkpoint
from ..datasets.annotations import file_of, read_annotations
from ..datasets.rawframes import read_folders
from ..errors import DataError, listed
from ..findings import Finding
from .data import shared
from .job import Job
from .samples import Sample

PREFIXES = ('video', 'img_path', 'img')


def check_learned(job: Job) -> Iterator[Finding]:
    """No teacher, and nothing that the student starts from, was trained on the clips that judge the student.

    That is known of checkpoints that say which list they learned from, where that list is still there.
    """
    for key, path in _weights(job):
        learned = list(training_samples(read_checkpoint(path, key)))
        for split in [split for split in job.splits() if split != 'train' and learned]:
            judged = job.samples(split)
            if pairs := shared(learned, judged):
                text = (
                    f'{key}={path!r} has learned from {len(pairs)} of the {len(judged)} {split} samples: '
                    f'{listed(list(pairs))}. What it knows by heart of them it hands on: take weights that were '
                    'trained on the clips of this split'
                )
                yield Finding('error' if 10 * len(pairs) > len(judged) else 'warning', 'learned', text)


def _weights(job: Job) -> Iterator[tuple[str, str]]:
    """The files of weights that are there, by the key that names them."""
    model = job.cfg.model
    entries = {f'model.teachers.{name}': entry for name, entry in (model.get('teachers') or {}).items()}
    entries = {key: entry for key, entry in entries.items() if key.rpartition('.')[2] not in job.untrained}
    entries['model.student'] = model.get('student')
    found = {f'{key}.checkpoint': entry.get('checkpoint') for key, entry in entries.items() if entry is not None}
    for key, path in {**found, 'load_from': job.cfg.get('load_from')}.items():
        if isinstance(path, str) and Path(path).expanduser().is_file():
            yield key, path


def training_samples(checkpoint: Mapping[str, Any]) -> Iterator[Sample]:
    """The files that weights were trained on, as far as a checkpoint of MMEngine tells.

    The config in it is read as text, and no code in it is run.

    Args:
        checkpoint: What was read of the file.

    Yields:
        Each line of the annotation files of its training data that are still there.
    """
    meta = checkpoint.get('meta')
    text = meta.get('cfg') if isinstance(meta, Mapping) else None
    for dataset in _datasets(_setting(text, 'train_dataloader') if isinstance(text, str) else None):
        root, prefix = dataset.get('data_root') or '', dataset.get('data_prefix') or ''
        if isinstance(prefix, Mapping):
            prefix = next((prefix[name] for name in PREFIXES if prefix.get(name)), '')
        folder, path = (os.path.join(*map(str, (root, part))) for part in (prefix, dataset['ann_file']))
        several = bool(dataset.get('multi_class'))
        try:
            if str(dataset.get('type')).endswith('RawframeDataset'):
                lines = read_folders(path, bool(dataset.get('with_offset')), several)
            else:
                lines = [(line, {}) for line in read_annotations(path, dataset.get('delimiter') or ' ', several)]
        except DataError:  # another kind of list, or gone
            continue
        for line, counts in lines:
            cut = tuple(counts.values()) if 'offset' in counts else None
            yield Sample(file_of(line.name, folder), cut, ())


def _datasets(value: Any) -> Iterator[Mapping[str, Any]]:
    """The data sets of a loader's config that name an annotation file, to any depth of wrappers."""
    if isinstance(value, Mapping):
        if isinstance(value.get('ann_file'), str) and value['ann_file']:
            yield value
        for part in value.values():
            yield from _datasets(part)
    elif isinstance(value, list):
        for part in value:
            yield from _datasets(part)


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
