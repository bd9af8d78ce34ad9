"""One cache of teachers for the rows of a study that have the same teachers and data; see run_study.py."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from mmdualkd.arguments import read_value
from mmdualkd.launch import read_config
from mmdualkd.top_keys import settle

TOOL = Path(__file__).resolve().with_name('cache_teachers.py')


def config_of(file: str, options: Mapping[str, Any]) -> Config:
    """A row's config with its options merged in, as on the command line."""
    cfg = read_config(file)
    cfg.merge_from_dict({key: read_value(str(value)) for key, value in options.items()})
    settle(cfg, file)
    return cfg


def views_option(file: str, views: int) -> dict[str, int]:
    """The options that give all data sets inside a training's wrappers so many views."""

    def places(dataset: ConfigDict, key: str) -> Iterable[str]:
        if 'dataset' in dataset:
            yield from places(dataset.dataset, f'{key}.dataset')
        elif 'datasets' in dataset:
            for number, part in enumerate(dataset.datasets):
                yield from places(part, f'{key}.datasets.{number}')
        else:
            yield f'{key}.num_views'

    return dict.fromkeys(places(read_config(file).train_dataloader.dataset, 'train_dataloader.dataset'), views)


def group_of(cfg: Config) -> str | None:
    """What rows that share a cache have in common; None for one that has none to share, or says what it reads."""
    model = cfg.model
    alone = not model.get('teachers') or str(model.get('type')).endswith('HybridAssistantDistiller')
    if alone or model.get('assistant') or model.get('blending') or 'teacher_cache' in model:
        return None
    common = [model.teachers, model.get('views'), model.get('num_classes'), cfg.train_dataloader.dataset]
    return hashlib.sha256(json.dumps(common, sort_keys=True, default=str).encode()).hexdigest()


def write_cache(configs: Mapping[str, Config], folder: Path, views: int, threads: int) -> Path:
    """Writes the cache of a group, or completes it; its output goes to ``cache.log``.

    Args:
        configs: The rows' configs by name.
        folder: Where caches of the study lie.
        views: Draws of each sample.
        threads: CPU threads.

    Returns:
        The cache's folder: another one for other configs.
    """
    different = {}  # seeds, schedules and weights change nothing that is kept
    for cfg in configs.values():
        terms = {
            name: {**term, 'weight': None} if isinstance(term, dict) else term
            for name, term in (cfg.model.get('terms') or {}).items()
        }
        parts = [{**cfg.model, 'terms': terms, 'student': None}, cfg.train_dataloader.dataset]
        different.setdefault(json.dumps(parts, sort_keys=True, default=str), cfg)
    folder = folder / hashlib.sha256(json.dumps(sorted(different)).encode()).hexdigest()[:8]
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, cfg in enumerate(different.values()):
        files.append(folder / f'config{number}.py')
        files[-1].write_text(cfg.pretty_text)
    words = [sys.executable, str(TOOL), *map(str, files), '--out', str(folder / 'cache'), '--views', str(views)]
    env = {**os.environ, 'OMP_NUM_THREADS': str(threads), 'MKL_NUM_THREADS': str(threads)}
    print(f'teachers of {len(configs)} rows: {views} views into {folder / "cache"}', flush=True)
    with (folder / 'cache.log').open('w') as log:
        done = subprocess.run(words, stdout=log, stderr=subprocess.STDOUT, env=env)
    if done.returncode:
        tail = (folder / 'cache.log').read_text().strip().splitlines()[-1:]
        raise SystemExit(f'the cache of the teachers failed: {" ".join(tail)} ({log.name})')
    return folder / 'cache'
