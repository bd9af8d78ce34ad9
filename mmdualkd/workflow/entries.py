"""The student and the teachers of a run, and their weights."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ..checkpoint import read_checkpoint
from ..errors import CheckpointError, ConfigError
from ..hooks.class_order import check_teacher_classes
from ..names import ASSISTANT, STUDENT
from ..zoo.catalogue import find_model
from ..zoo.download import cached_path, download
from ..zoo.names import listed_weights
from ..zoo.resolve import random_start
from ..zoo.weights import class_names
from .leaves import Entry


def entry_of(name: str, of: str, key: str, scratch: bool, checkpoint: str | None, found: Mapping[str, Any]) -> Entry:
    """A student or teacher; of short videos it takes frames that lie closer together."""
    model = find_model(name, of, key)
    interval, length = model.view.get('frame_interval', 1), model.view.get('clip_len', 1)
    if interval > 1 and length * interval > found['frames']:
        nearer = max(found['frames'] // length, 1)
        model = replace(model, view={**model.view, 'frame_interval': nearer})
    if checkpoint is not None:
        return Entry(name, model, str(Path(checkpoint).absolute()), trained=True)
    if not scratch:
        return Entry(name, model, model.checkpoint)
    return Entry(name, model, None, changes={} if model.variable else random_start(model.config, key))


def teachers_of(
    names: Sequence[str], of: str, scratch: bool, checkpoints: Mapping[str, str], found: Mapping[str, Any]
) -> dict[str, Entry]:
    """Teachers by their names in the model: what they are where that tells them apart, else what they are called."""
    entries = [entry_of(name, of, '--teachers', scratch, checkpoints.get(name), found) for name in names]
    kinds = [entry.model.kind for entry in entries]
    if len(set(kinds)) == len(kinds):
        return dict(zip(kinds, entries, strict=True))
    roles: dict[str, Entry] = {}
    for entry in entries:
        role = re.sub(r'\W+', '_', Path(entry.name).stem).replace('loss', '') or 'teacher'
        while role in (STUDENT, ASSISTANT, *roles):
            role += '_'
        roles[role] = entry
    return roles


def check_known_classes(teachers: Mapping[str, Entry], classes: Sequence[str], where: str) -> None:
    """Refuses weights of a teacher that knows other classes than the data have, or these in another order.

    Args:
        teachers: The teachers by their names in the model; those that a stage trains are passed over.
        classes: The data's class names in order of their labels.
        where: What names them, for errors.

    Raises:
        CheckpointError: If the weights cannot be read, or are of another number of classes.
        DataError: If the order differs.
    """
    for role, entry in teachers.items():
        if not entry.trained:
            continue
        names = class_names(read_checkpoint(entry.checkpoint, f'--teacher-checkpoint {entry.name}'))
        if names and len(names) != len(classes):
            raise CheckpointError(
                f'--teacher-checkpoint {entry.name}={entry.checkpoint}: it knows {len(names)} classes, {where} names '
                f'{len(classes)}'
            )
        check_teacher_classes({role: SimpleNamespace(_dataset_meta=dict(classes=names))}, (where, list(classes)))


def fetch_weights(entries: Sequence[Entry]) -> list[str]:
    """Downloads the zoo's weights before anything is trained.

    Raises:
        ConfigError: Names those that cannot be had, and where to put them.
    """
    missing, got = {}, []
    for entry in entries:
        address = entry.checkpoint
        if address == 'zoo':
            address = listed_weights(entry.model.config, entry.name)
        if address is None or '://' not in address:
            continue
        try:
            got.append(str(download(address, entry.name)))
        except CheckpointError as error:
            missing[address] = error
    if missing:
        lines = '; '.join(f'{address} to {cached_path(address)}' for address in missing)
        raise ConfigError(
            f'{len(missing)} files of weights cannot be downloaded ({next(iter(missing.values())).__cause__}). Where '
            f'there is a network, copy {lines}; or start from random weights with --from-scratch'
        )
    return got
