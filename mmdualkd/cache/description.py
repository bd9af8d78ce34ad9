"""What a cache was made from, as plain values that are compared before it is used."""

import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmengine.logging import print_log

from ..checkpoint import model_state_dict
from ..dataset_configs import plain_configs
from ..datasets.robust import RobustDataset
from ..datasets.samples import cut_of
from ..datasets.wrappers import plain_datasets
from ..differences import differences, flat
from ..errors import CacheError, ConfigError
from ..views import ViewPlan
from ..zoo.resolve import resolve_model
from ..zoo.weights import digest as weights_digest
from ..zoo.weights import read_source

# what a data set's settings say that its list of samples says better, and what changes no clip
LEFT_OUT = {'ann_file', 'data_prefix', 'data_root', 'num_views', 'view_seed', 'metainfo', 'max_refetch', 'num_classes'}
LEFT_OUT |= {'lazy_init', 'serialize_data', 'labelled_fraction', 'label_seed', 'unlabelled'}
KEPT = {('DecordInit', key) for key in ('keep_in', 'keep_gb')}
LEFT_OUT_OF_STEPS = {('SampleViews', 'views'), *KEPT}


def describe_teacher(spec: Mapping, name: str, plan: ViewPlan, num_classes: int | None) -> dict[str, Any]:
    """A teacher without its weights: the settings of its network and of its view, and where its weights are from."""
    model, address = resolve_model(spec, f'model.teachers.{name}', num_classes)
    view = flat('view', asdict(plan.specs[name]))
    return dict(model=flat('model', model, empty=True), view=view, address=address and str(address))


def check_teacher(there: Mapping[str, Any], here: Mapping[str, Any], name: str, where: str) -> None:
    """Refuses a teacher other than the one whose outputs a cache holds.

    Args:
        there: What the cache says of it: as :func:`describe_teacher`, and the SHA-256 of its weights.
        here: As :func:`describe_teacher`.
        name: The teacher's name.
        where: The cache, for errors.

    Raises:
        CacheError: Names what differs.
    """
    key = f'model.teachers.{name}'
    faults = differences(there['model'], here['model']) + differences(there['view'], here['view'])
    if faults:
        raise CacheError(f'{where} is of another teacher than {key}: {"; ".join(faults)}')
    address = here['address'] or ''
    if '://' in address and address == there['address']:
        return
    if '://' not in address and not Path(address).expanduser().is_file():
        message = f'{key}.checkpoint={address!r} is not here: that {where} is of these weights is not checked'
        print_log(message, logger='current', level=logging.WARNING)
        return
    state = model_state_dict(read_source(address, f'{key}.checkpoint')[1])
    if (found := weights_digest(state)) != there['sha256']:
        raise CacheError(
            f'{where} is of other weights than {key}.checkpoint={address!r}: their SHA-256 begins with '
            f'{there["sha256"][:8]} there (from {there["file"]}) and {found[:8]} here'
        )


def describe_data(dataset: object, cfg: Mapping) -> list[dict[str, Any]]:
    """What a training data set's draws depend on, beside its samples: for each data set inside its wrappers.

    Args:
        dataset: The data set, built.
        cfg: Its config.

    Raises:
        ConfigError: If one of them is not ours, so that its draws cannot be known.
    """
    parts = []
    for part, (_, settings) in zip(plain_datasets(dataset), plain_configs(cfg), strict=True):
        if not isinstance(part, RobustDataset):
            raise ConfigError(
                f'train_dataloader.dataset.type={settings.get("type")!r}: a cache of teachers needs a data set of '
                'mmdualkd (mmdualkd.VideoDataset, ...), whose draws can be repeated'
            )
        settings = {name: value for name, value in settings.items() if name not in LEFT_OUT}
        settings['pipeline'] = [
            {name: value for name, value in step.items() if (_name(step), name) not in LEFT_OUT_OF_STEPS}
            for step in settings.get('pipeline', [])
        ]
        classes = list(map(str, (part.metainfo or {}).get('classes') or []))
        settings = {**flat('dataset', settings, empty=True), **flat('classes', classes), 'view_seed': part.view_seed}
        parts.append(dict(settings=settings, count=len(part)))
    return parts


def _name(step: Mapping) -> str:
    """The class of a step, without its package."""
    return str(step.get('type')).rpartition('.')[2]


def list_samples(dataset: object) -> list[list]:
    """Each sample's data set, file (below the folder that all have in common), bytes, and the part of it that it is.

    A folder of frames is without bytes: what the system says of its size is another on another disk.

    Labels are left out: teachers see none of them, so that trainings with fewer can share what they gave.
    """
    samples = []
    for number, part in enumerate(plain_datasets(dataset)):
        infos = [part.get_data_info(index) for index in range(len(part))]
        files = [os.path.abspath(info[part.file]) if info.get(part.file) else '' for info in infos]
        folders = {os.path.dirname(file) for file in files}
        common = os.path.commonpath(folders) if len(folders) > 1 and all(folders) else next(iter(folders), '')
        names = [os.path.relpath(file, common or '.') if file else '' for file in files]
        samples += [
            [number, name, _size(file), *(cut_of(info) or ())]
            for name, file, info in zip(names, files, infos, strict=True)
        ]
    return samples


def _size(file: str) -> int | None:
    try:
        return None if os.path.isdir(file) else os.path.getsize(file)
    except (OSError, ValueError):
        return None


def check_data(manifest: Mapping, parts: list[dict], where: str) -> None:
    """Refuses data sets with other settings, classes or numbers of samples than a cache is of.

    Raises:
        CacheError: Names what differs.
    """
    there = manifest['data']['parts']
    if len(there) != len(parts):
        raise CacheError(f'{where} is of {len(there)} data sets, train_dataloader.dataset has {len(parts)}')
    for ours, theirs in zip(parts, there, strict=True):
        if faults := differences(theirs['settings'], ours['settings']):
            raise CacheError(f'{where} is of other training data than train_dataloader.dataset: {"; ".join(faults)}')


def check_samples(there: list[list], here: list[list], where: str, hint: str = '') -> None:
    """Refuses another list of samples, other parts of their files, or files of another size.

    Args:
        there: What :func:`list_samples` gave when the cache was written.
        here: What it gives now.
        where: The cache, for errors.
        hint: Why samples may be missing.

    Raises:
        CacheError: Names the first that differs.
    """
    if len(there) != len(here):
        raise CacheError(f'{where} is of {len(there)} samples, train_dataloader.dataset has {len(here)}{hint}')
    for number, (theirs, ours) in enumerate(zip(there, here, strict=True)):
        if theirs != ours:
            told = [
                f'{name or "no file"}, {"missing or a folder" if size is None else f"{size} bytes"}'
                f'{f", its part {cut}" if cut else ""}'
                for _, name, size, *cut in (theirs, ours)
            ]
            raise CacheError(f'{where} is of other samples: sample {number} is {told[0]} there, {told[1]} here')
