"""Runs the teachers of a distillation once and keeps what its loss terms read, for any number of trainings.

Every view of every training sample is drawn as training will draw it (``num_views`` of the data set, or --views), shown
to the teachers, and of their outputs what the configs' terms read is written to a folder. Training with
``model.teacher_cache=DIR`` then builds no teacher and decodes no frame for one. Called again, the same command
completes what was stopped, mends what is damaged, and adds views.

Examples:
    python tools/cache_teachers.py configs/CONFIG.py --out work_dirs/cache --views 30
    python tools/train.py configs/CONFIG.py --cfg-options model.teacher_cache=work_dirs/cache
"""

import argparse
import contextlib
import copy
import itertools
import shlex
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any

import mmdualkd  # noqa: F401  (first: it mends the stack and lets `mmdualkd::` bases be found)

# isort: split
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.device import get_device
from mmengine.dist import barrier, broadcast_object_list, get_dist_info, init_dist
from mmengine.registry import DATASETS, MODELS, init_default_scope
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmdualkd.bar import progress
from mmdualkd.cache import TeacherCache
from mmdualkd.cache.description import check_samples, describe_data, describe_teacher, list_samples
from mmdualkd.cache.layout import Layout
from mmdualkd.cache.writing import (
    EveryView,
    ShardWriter,
    check_draws,
    check_ours,
    check_repeats,
    check_space,
    finish,
    prepare,
    values_of,
)
from mmdualkd.cli.tools import add_cache_arguments
from mmdualkd.datasets.robust import source_of
from mmdualkd.datasets.wrappers import plain_datasets
from mmdualkd.differences import differences, flat
from mmdualkd.distillers.caching import check_cacheable
from mmdualkd.errors import ConfigError, DistillError, check_name
from mmdualkd.files import check_folder
from mmdualkd.hooks.class_order import check_class_names, check_teacher_classes
from mmdualkd.hooks.corrupt_video import max_fraction_of, report_failed
from mmdualkd.hooks.labels import check_labels
from mmdualkd.hooks.preflight import hand_views
from mmdualkd.launch import check_distillation, load_config, run_tool
from mmdualkd.machine import in_bytes
from mmdualkd.names import FILES
from mmdualkd.processes import locked
from mmdualkd.teachers.readings import Reading, readings_of

PACKAGES = ('torch', 'mmengine', 'mmaction2', 'mmdualkd', 'decord', 'numpy')  # for people; not compared


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_cache_arguments(parser)
    return parser.parse_args()


def main() -> None:
    """Writes a cache, or completes it."""
    args = parse_args()
    cfgs = [load(args, path) for path in args.config]
    if args.launcher != 'none':
        init_dist(args.launcher, backend='nccl' if torch.cuda.is_available() else 'gloo')
    init_default_scope(cfgs[0].get('default_scope', 'mmaction'))
    on_first(lambda: check_ours(args.out))
    on_first(lambda: check_folder('--out', args.out))
    with contextlib.ExitStack() as stack:

        def lock() -> None:  # gives nothing: the lock's file cannot go to the other processes
            stack.enter_context(locked(args.out))

        on_first(lock)
        job = Job(cfgs[0], args)
        for cfg, path in zip(cfgs[1:], args.config[1:], strict=True):
            job.add(cfg, path)
        cache = on_first(lambda: prepare(args.out, job.body(), list_samples(job.dataset)))
        job.write(cache)
    if get_dist_info()[0] == 0:
        option = shlex.quote(f'model.teacher_cache={args.out}')
        print(f'{args.out} is whole. Train with --cfg-options {option}')


def load(args: argparse.Namespace, path: str) -> Config:
    """Reads one of the configs, and checks that its teachers can be cached."""
    with naming(path):
        cfg = load_config(argparse.Namespace(**{**vars(args), 'config': path}))
        check_distillation(cfg)
        if not cfg.model.teachers:
            raise ConfigError('model.teachers has none: there is nothing to cache')
        cfg.model.teacher_cache = None
        check_cacheable(cfg.model.get('blending'), cfg.model.get('assistant'))
        if not isinstance((cfg.get('train_dataloader') or {}).get('dataset'), dict):
            raise ConfigError('there is no train_dataloader.dataset, so nothing to show the teachers')
    return cfg


@contextlib.contextmanager
def naming(path: str) -> Iterator[None]:
    """Lets errors name the config that they are about."""
    try:
        yield
    except DistillError as error:
        if str(error).startswith(f'config={path!r}'):  # it does
            raise
        raise type(error)(f'{path}: {error}') from error


def on_first(action: Callable[[], Any]) -> Any:
    """Lets the first of all processes do something; all get what it gave, or end with its error."""
    told = [None, None]
    if get_dist_info()[0] == 0:
        try:
            told[0] = action()
        except Exception as error:
            told[1] = error
    broadcast_object_list(told)
    if told[1] is not None:
        raise told[1]
    return told[0]


class Job:
    """The teachers of a config, the data that they see, and what is kept of it.

    Args:
        cfg: The config.
        args: The command line.
    """

    def __init__(self, cfg: Config, args: argparse.Namespace) -> None:
        self.cfg, self.args = cfg, args
        self.model, self.values = build(cfg, args.config[0])
        self.dataset = build_dataset(cfg, self.model)
        self.amp = amp_dtype(cfg) if args.amp else None
        self.teachers, self.parts = self._described(cfg, self.model, self.dataset)
        asked = asked_views(self.dataset)
        self.num_views = args.views or asked
        if not self.num_views:
            raise ConfigError(
                '--views is needed, for train_dataloader.dataset.num_views is None: how often each sample is drawn; as '
                'many as there are epochs make each epoch new'
            )
        if self.num_views < asked:
            raise ConfigError(f'--views={args.views}, but train_dataloader.dataset.num_views={asked} draws more')

    @staticmethod
    def _described(cfg: Config, model: nn.Module, dataset: object) -> tuple[dict, list]:
        step, teachers = model.dry_step(), {}
        for name, teacher in model.teachers.items():
            outputs = step.teachers[name]
            teachers[name] = dict(
                **describe_teacher(cfg.model.teachers[name], name, model.plan, cfg.model.get('num_classes')),
                **teacher._source,
                classes=teacher._dataset_meta['classes'],
                shapes={what: list(getattr(outputs, what).shape) for what in ('logits', 'pooled', 'grid')},
            )
        return teachers, describe_data(dataset, cfg.train_dataloader.dataset)

    def add(self, cfg: Config, path: str) -> None:
        """Adds what another config's terms read.

        Raises:
            ConfigError: If its teachers or its data are others, or it draws more views.
            CacheError: If its samples or the frames of them are others.
        """
        model, values = build(cfg, path)
        dataset = build_dataset(cfg, model)
        teachers, parts = self._described(cfg, model, dataset)
        other = f'shares no cache with {self.args.config[0]}'
        both = [
            flat('teachers', self.teachers) | flat('data', self.parts),
            flat('teachers', teachers) | flat('data', parts),
        ]
        if faults := differences(*both):
            raise ConfigError(f'{path} {other}: {"; ".join(faults)}')
        ours, theirs = list_samples(self.dataset), list_samples(dataset)
        check_samples(ours, theirs, f'{path} {other}, which')
        first, second = EveryView(self.dataset, len(ours)), EveryView(dataset, len(ours))
        check_draws(second, range(len(ours)), lambda row: first[row]['drawn'][1:], f'{path} {other}')
        if (asked := asked_views(dataset)) > self.num_views:
            raise ConfigError(
                f'{path}: train_dataloader.dataset.num_views={asked}, but --views={self.num_views} is less'
            )
        self.values = {**self.values, **values}

    def body(self) -> dict[str, Any]:
        """What the manifest says."""
        return dict(
            dtype=self.args.dtype,
            amp=self.amp and str(self.amp),
            teachers=self.teachers,
            values=[dict(reading=reading.as_json(), shape=shape) for reading, shape in self.values.items()],
            data=dict(parts=self.parts, count=sum(part['count'] for part in self.parts)),
            versions={name: metadata.version(name) for name in PACKAGES},
        )

    def write(self, cache: TeacherCache) -> None:
        """Writes what a cache lacks, this process its share of the files."""
        rank, world = get_dist_info()
        layout, num_views = cache.layout, max(self.num_views, cache.num_views)
        names = list(layout.shards(num_views))
        missing = on_first(lambda: [name for name in names if cache.fault(name, records=True)])
        on_first(lambda: self._check_there(cache, next((name for name in names if name not in missing), None)))
        count = sum(len(layout.rows(name)) for name in missing)
        if rank == 0:
            size = count * layout.record.itemsize
            print(f'{layout.samples} samples x {num_views} views: {count} records of '
                  f'{in_bytes(layout.record.itemsize)} to write, {in_bytes(size)}', flush=True)  # fmt: skip
        on_first(lambda: check_space(cache.folder, count * layout.record.itemsize))
        views = EveryView(self.dataset, layout.samples)
        on_first(lambda: check_repeats(views, [row for name in missing[:1] for row in layout.rows(name)]))
        rows = [row for name in missing[rank::world] for row in layout.rows(name)]
        writer = ShardWriter(cache.folder, layout)
        device = get_device()
        self.model.to(device).eval()
        shown = progress(len(rows), 'running teachers') if rank == 0 else contextlib.nullcontext(lambda count: None)
        with shown as done:
            for drawn, files, values in self.batches(rows, layout, torch.device(device)):
                writer.add(drawn, values, files)
                done(len(drawn))
        barrier()
        on_first(lambda: finish(cache, num_views))
        self._report_failed(on_first(lambda: cache.failed(num_views)))  # in all processes: it adds up their flags

    def _check_there(self, cache: TeacherCache, name: str | None) -> None:
        """Sees whether one of the files that are there was drawn as those that are added will be."""
        if name is not None:
            views, rows = EveryView(self.dataset, cache.layout.samples), cache.layout.rows(name)
            check_draws(views, rows, lambda row: cache.read(row)[['stand_in', 'shown']], f'{cache.where} cannot go on')

    def _report_failed(self, samples: list[int]) -> None:
        """Names the samples that did not decode, and ends with an error where they are too many, as training does."""
        first = 0
        for part in plain_datasets(self.dataset):
            part.flags.zero_()
            part.flags[[sample - first for sample in samples if first <= sample < first + len(part)]] = 1
            first += len(part)
        report_failed(self.dataset, 'the cache', max_fraction_of(self.cfg))

    def batches(
        self, rows: list[int], layout: Layout, device: torch.device
    ) -> Iterator[tuple[Tensor, list[str], dict[Reading, Tensor]]]:
        """Rows in full batches, the last one filled up: what was drawn, files, and the values that are kept."""
        size = self.args.batch_size or self.cfg.train_dataloader.get('batch_size', 1)
        padded = rows + list(itertools.islice(itertools.cycle(rows), -len(rows) % size))
        loader = DataLoader(
            EveryView(self.dataset, layout.samples),
            batch_size=size,
            sampler=padded,
            num_workers=self.cfg.train_dataloader.get('num_workers', 0),
            collate_fn=pseudo_collate,
        )
        left = len(rows)
        for data in loader:
            drawn = torch.stack(data.pop('drawn'))[:left]
            clips = self.model.data_preprocessor(data, training=True)['inputs']
            self.model.plan.check_clip(clips)
            with torch.no_grad():
                with torch.autocast(device.type, dtype=self.amp, enabled=self.amp is not None):
                    outputs, _ = self.model.run_teachers(clips)
                values = values_of(outputs, layout.shapes)
            files = [next((str(s.get(key)) for key in FILES if key in s), 'a sample') for s in data['data_samples']]
            keep = len(drawn)
            yield drawn, files[:keep], {name: value[: keep * self.model.rows] for name, value in values.items()}
            left -= keep


def build(cfg: Config, path: str) -> tuple[nn.Module, dict[Reading, list[int]]]:
    """Builds a distiller; gives it with what its terms read of the teachers, and the shape of that for one sample."""
    cfg = copy.deepcopy(cfg.model)
    if isinstance(cfg.get('student'), dict):
        cfg.student.checkpoint = None  # teachers do not depend on it
    with naming(path):
        model = MODELS.build(cfg)
        check_cacheable(None, model.assisted)  # the hybrid method has an assistant that its config need not name
    step = model.dry_step()
    return model, {
        reading: list(reading.of(step.teachers[reading.teacher]).shape) for reading in readings_of(model.terms, step)
    }


def build_dataset(cfg: Config, model: nn.Module) -> object:
    """Builds the training data, checked against the model, as training does it."""
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    dataset.full_init()
    named = None
    for part in plain_datasets(dataset):
        where = f'train_dataloader.dataset ({source_of(part)})'
        check_labels(part, 'train', where, model)
        named = check_class_names(part, where, named)
        if not model.of_pictures:
            hand_views(part, model.plan, 'the train pipeline')
    check_teacher_classes(model.teachers, named)
    return dataset


def asked_views(dataset: object) -> int:
    """How often a data set's ``num_views`` draws a sample; 0 without."""
    return max(part.num_views or 0 for part in plain_datasets(dataset))


def amp_dtype(cfg: Config) -> torch.dtype:
    """The type of tools/train.py --amp: the config's, else autocast's own."""
    name = cfg.get('optim_wrapper', {}).get('dtype')
    if name is None:
        return torch.get_autocast_dtype('cuda' if torch.cuda.is_available() else 'cpu')
    check_name('optim_wrapper.dtype', name, ('float16', 'bfloat16', 'float32', 'float64'), 'type of autocast')
    return getattr(torch, name)


if __name__ == '__main__':
    run_tool(main)
