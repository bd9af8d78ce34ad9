"""One cache of teachers for the rows of a study that have the same teachers and data."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..cache import TeacherCache
from ..datasets.labels import DROP
from ..errors import CacheError, ConfigError
from ..processes import Tool
from .configs import config_of
from .runs import Run


def share_teachers(
    runs: Iterable[Run],
    waiting: Sequence[Run],
    folder: Path,
    views: int,
    dtype: str,
    threads: int,
    note: Callable[[dict], None],
) -> None:
    """Lets trainings read their teachers from caches, which are written for all rows of the study.

    A training whose model cannot be built has failed, and the cache is written for the others; where it cannot be
    written, all of its trainings have failed.

    Args:
        runs: All rows of the study.
        waiting: Those that are to be trained.
        folder: The study's.
        views: Draws of each sample.
        dtype: The type of what is kept.
        threads: CPU threads.
        note: Takes what a cache cost, see :func:`write_cache`.
    """
    groups: dict[str, dict[Run, Config]] = {}
    for run in runs:
        try:
            cfg = config_of(run.file, run.options)
        except ConfigError:  # of a row that is not chosen: those that are were looked at
            continue
        if group := group_of(cfg):
            groups.setdefault(group, {})[run] = cfg
    for configs in groups.values():
        while any(run in configs for run in waiting):
            try:
                cost = write_cache(list(configs.values()), folder / 'teachers', views, dtype, threads)
            except CacheError as error:
                print(error, flush=True)
                wrong = getattr(error, 'cfg', None)
                failed = [run for run, cfg in configs.items() if wrong is None or _kept(cfg) == _kept(wrong)]
                for run in failed:
                    del configs[run]
                    if run in waiting:
                        run.state.status, run.state.error = 'failed', str(error)
                continue
            note(cost)
            for run in waiting:
                if run in configs:
                    run.state.cache = Path(cost['path'])
            break


def group_of(cfg: Config) -> str | None:
    """What rows that share a cache have in common; None for one that has none to share, or says what it reads."""
    model = cfg.model
    alone = not model.get('teachers') or str(model.get('type')).endswith('HybridAssistantDistiller')
    if alone or model.get('assistant') or model.get('blending') or 'teacher_cache' in model:
        return None
    common = [model.teachers, model.get('views'), model.get('num_classes'), _seen(cfg.train_dataloader.dataset)]
    return hashlib.sha256(json.dumps(common, sort_keys=True, default=str).encode()).hexdigest()


def _seen(dataset: Any) -> Any:
    """A data set's config without what takes labels away, which teachers do not see, unless their clips go, too."""
    if isinstance(dataset, Mapping):
        left_out = () if dataset.get('unlabelled') == DROP else ('labelled_fraction', 'label_seed', 'unlabelled')
        return {key: _seen(value) for key, value in dataset.items() if key not in left_out}
    return [_seen(value) for value in dataset] if isinstance(dataset, list | tuple) else dataset


def write_cache(configs: Sequence[Config], folder: Path, views: int, dtype: str, threads: int) -> dict[str, Any]:
    """Writes the cache of a group, or completes it; its output goes to ``cache.log``.

    Args:
        configs: The rows' configs.
        folder: Where caches of the study lie.
        views: Draws of each sample.
        dtype: The type of what is kept, ``'float16'`` or ``'float32'``.
        threads: CPU threads.

    Returns:
        What it cost: ``path`` (another one for other configs), ``records``, ``bytes``, ``seconds`` of this call (None
        if it wrote nothing), and whether some of it was there before (``begun``).

    Raises:
        CacheError: If it fails; with an attribute ``cfg`` if that is because of one of the configs.
    """
    different = {}
    for cfg in configs:
        different.setdefault(_kept(cfg), cfg)
    folder = folder / hashlib.sha256(json.dumps([dtype, *sorted(different)]).encode()).hexdigest()[:8]
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, cfg in enumerate(different.values()):
        files.append(folder / f'config{number}.py')
        files[-1].write_text(cfg.pretty_text)
    cache = folder / 'cache'
    print(f'teachers of {len(configs)} trainings: {views} views into {cache}', flush=True)
    before, begin = _files(cache), time.time()
    words = [*files, '--out', cache, '--views', views, '--dtype', dtype]
    tool = Tool('cache_teachers', words, folder / 'cache.log', threads)
    if tool.wait():
        error = CacheError(f'the cache of the teachers failed: {tool.error}')
        if named := re.search(rf'{re.escape(str(folder))}/config(\d+)\.py: ', tool.error):
            error.cfg = list(different.values())[int(named[1])]
        raise error
    written = TeacherCache(cache)
    return dict(
        path=str(cache),
        records=written.layout.samples * written.num_views,
        bytes=sum(path.stat().st_size for path in cache.glob('*.npy')),
        seconds=None if _files(cache) == before else round(time.time() - begin, 1),
        begun=bool(before),
    )


def _kept(cfg: Config) -> str:
    """What decides of a config what is kept of its teachers: not seeds, schedules and weights."""
    terms = {
        name: {**term, 'weight': None} if isinstance(term, dict) else term
        for name, term in (cfg.model.get('terms') or {}).items()
    }
    student = cfg.model.get('student')  # the cells that are compared go by its grid
    student = {**student, 'checkpoint': None} if isinstance(student, Mapping) else student
    parts = [{**cfg.model, 'terms': terms, 'student': student}, _seen(cfg.train_dataloader.dataset)]
    return json.dumps(parts, sort_keys=True, default=str)


def _files(cache: Path) -> Mapping[str, float]:
    return {path.name: path.stat().st_mtime for path in cache.glob('*.npy')}
