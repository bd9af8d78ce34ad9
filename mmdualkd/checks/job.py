"""What a config describes, built part by part, with nothing written to its work directory."""

import copy
import functools
import logging
import random
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import mmaction.models  # noqa: F401  (its UniFormer makes a logger of its own, which would stand in front of ours)
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope, init_default_scope
from mmengine.runner import Runner
from mmengine.visualization import Visualizer
from torch import nn
from torch.utils.data import DataLoader

from ..datasets.kept import folder_of
from ..datasets.robust import RobustDataset
from ..datasets.samples import Sample, samples_of
from ..datasets.wrappers import plain_datasets
from ..errors import ConfigError
from ..hooks.preflight import PreflightHook, hand_views
from ..launch import runner_type
from ..learning_rate import scale
from ..machine import forget_most_resident, give_back, memory, most_resident, refusal, resident
from ..names import STUDENT
from ..zoo.weights import classes_of
from .random_weights import with_random_teachers

WORKERS = ('persistent_workers', 'prefetch_factor', 'timeout', 'multiprocessing_context')


class NotBuilt(Exception):
    """A part is asked for again that could not be built; the first time its own error was raised."""


def part(name: str) -> Callable[[Callable], Callable]:
    """Lets a method of :class:`Job` build its part once, see :meth:`Job.once`."""

    def decorate(build: Callable) -> Callable:
        @functools.wraps(build)
        def built(self: 'Job', *args: str) -> Any:
            return self.once(name.format(*args), lambda: build(self, *args))

        return built

    return decorate


class Job:
    """A training, up to its first step; use it in a ``with`` statement.

    Runner, models, data and schedules are MMEngine's own, built from the config as ``tools/train.py`` builds them, but
    in a folder that goes away, in one process, and without worker processes. What would be logged is kept.

    Args:
        cfg: The config, as :func:`~mmdualkd.launch.load_config` gives it.
        untrained: Teachers whose checkpoints are not there yet; they get random weights.
        processes: Processes that will train together; here there is one.

    Attributes:
        cfg: The config as it was given.
        messages: What was logged, each with its level.
        folder: The folder that goes away.
        first_weights: Copies of what training moves, from before its first step.
        not_finite: Models whose outputs were not finite in the first step whose losses were not, as an error ends.
        free: Bytes of memory that were free before: the GPU's, where there is one. None if nobody knows.
    """

    def __init__(self, cfg: Config, untrained: Collection[str] = (), processes: int = 1) -> None:
        self.cfg, self.untrained, self.processes = cfg, tuple(untrained), processes
        self.messages: list[tuple[int, str]] = []
        self.first_weights: list[torch.Tensor] = []
        self.not_finite = ''
        self._built: dict[str, Any] = {}
        self._failed: set[str] = set()

    def __enter__(self) -> 'Job':
        self._stack = ExitStack()
        self.folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix='mmdualkd-check-'))
        for kind in (MMLogger, MessageHub, Visualizer, DefaultScope):  # the process's own come back
            self._stack.callback(_restore, kind._instance_dict, dict(kind._instance_dict))
        self.name = Path(self.folder).name
        self.logger = MMLogger.get_instance(self.name, logger_name='mmdualkd')
        self.logger.handlers = [_Recorder(self.messages)]
        init_default_scope(self.cfg.get('default_scope', 'mmengine'))
        give_back()  # what an earlier check took, or this one would seem to take nothing
        self._before, self.free = resident(), memory()
        forget_most_resident()
        if torch.cuda.is_available():
            self.free = torch.cuda.mem_get_info()[0]
            torch.cuda.reset_peak_memory_stats()
        return self

    def __exit__(self, *error: object) -> None:
        self._built.clear()
        self._stack.close()

    def once(self, name: str, build: Callable[[], Any]) -> Any:
        """Builds a part when it is first asked for.

        Raises:
            NotBuilt: If that failed before; the first time its own error is raised.
        """
        if name in self._failed:
            raise NotBuilt(name)
        if name not in self._built:
            try:
                self._built[name] = build()
            except NotBuilt:
                raise
            except Exception:
                self._failed.add(name)
                raise
        return self._built[name]

    @part('the {} data')
    def loader(self, split: str) -> DataLoader:
        """A data loader that draws in this process."""
        cfg = copy.deepcopy(self.cfg[f'{split}_dataloader'])
        for step in _keeping(cfg):
            if (reason := refusal(folder_of(str(step.get('type')), step['keep_in']))) is not None:
                raise ConfigError(f'{step.get("type")}: keep_in={str(step["keep_in"])!r} cannot be written ({reason})')
            step['keep_in'] = str(Path(self.folder, 'frames'))
        cfg.num_workers = 0
        for name in WORKERS:
            cfg.pop(name, None)
        return Runner.build_dataloader(cfg, seed=0)

    @part('the {} samples')
    def samples(self, split: str) -> list[Sample]:
        """What the data set says of its samples."""
        return list(samples_of(self.loader(split).dataset))

    def splits(self) -> list[str]:
        """The data that the config has, training's first."""
        return [split for split in ('train', 'val', 'test') if self.has(split)]

    def has(self, split: str) -> bool:
        """Whether the config has such data."""
        return isinstance(self.cfg.get(f'{split}_dataloader'), dict)

    def keeps(self, split: str) -> bool:
        """Whether its videos are decoded once (``mmdualkd.DecordInit`` with ``keep_in``)."""
        return any(True for _ in _keeping(self.cfg[f'{split}_dataloader']))

    def is_built(self, name: str) -> bool:
        """Whether a part stands already."""
        return name in self._built

    @part('the model')
    def runner(self) -> Runner:
        """The runner with its model, on the device, and its hooks."""
        cfg = copy.deepcopy(self.cfg)
        cfg.work_dir, cfg.launcher, cfg.resume, cfg.experiment_name = self.folder, 'none', False, self.name
        saver = (cfg.get('default_hooks') or {}).get('checkpoint')
        if isinstance(saver, dict):
            saver.pop('out_dir', None)
        cfg.pop('visualizer', None)  # some write to the network; MMEngine's own writes to the folder
        if self.untrained:
            cfg.model = with_random_teachers(cfg.model, self.folder, self.untrained)
        return _quiet(runner_type(cfg), self.logger).from_cfg(cfg)

    @property
    def model(self) -> nn.Module:
        """The model that trains: a distiller, or a plain one."""
        return self.runner().model

    @property
    def student(self) -> nn.Module:
        """The model that is validated and exported."""
        return getattr(self.model, STUDENT, self.model)

    def weights(self) -> list[nn.Parameter]:
        """What training moves."""
        return [weight for weight in self.model.parameters() if weight.requires_grad]

    def num_classes(self) -> int | None:
        """Classes of the student's head, or without a model those that the config names; None if neither says."""
        return classes_of(self.student)[1] if self.is_built('the model') else self.cfg.get('num_classes')

    @part('the optimizer, its schedules or the training loop')
    def training(self) -> Runner:
        """The runner with what training needs; the data know the model's views."""
        runner = self.runner()
        runner._train_dataloader = self.loader('train')
        runner._train_loop = runner.build_train_loop(runner._train_loop)
        runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
        if (runner.auto_scale_lr or {}).get('enable'):
            scale(runner, runner.optim_wrapper, self.processes)
        if runner.param_schedulers is not None:
            runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)
        for number, dataset in enumerate(plain_datasets(self.loader('train').dataset)):
            if isinstance(dataset, RobustDataset):
                dataset.set_clock(0, 0, number)
            if self._samples_views() and any(isinstance(hook, PreflightHook) for hook in runner.hooks):
                hand_views(dataset, self.model.plan, 'the train pipeline', alone=STUDENT if self.cached else None)
        return runner

    @property
    def cached(self) -> bool:
        """Whether the teachers' outputs come from a cache."""
        return getattr(self.model, 'cache', None) is not None

    def _samples_views(self) -> bool:
        return hasattr(self.model, 'plan') and not self.model.of_pictures

    @part('the validation loop')
    def validation(self) -> Runner:
        """The runner with what validation needs."""
        runner = self.runner()
        runner._val_dataloader = self.loader('val')
        runner._val_loop = runner.build_val_loop(runner._val_loop)
        return runner

    @part('the start of training')
    def started(self) -> Runner:
        """The runner at its first step: weights are loaded, and every hook has looked at data and model."""
        runner = self.training()
        if self.has('val'):
            self.validation()
        runner.call_hook('before_run')
        runner._init_model_weights()
        runner.load_or_resume()
        loop = runner._train_loop
        runner.optim_wrapper.initialize_count_status(runner.model, loop.iter, loop.max_iters)
        runner.call_hook('before_train')
        runner._maybe_compile('train_step')
        return runner

    def batch(self, split: str, number: int) -> Any:
        """A batch at its full size, whatever the number of samples: the data begin anew where they end.

        Raises:
            ConfigError: If there is nothing to draw.
        """
        loader = self.loader(split)
        return loader.collate_fn([loader.dataset[place] for place in self.places(split, number)])

    def places(self, split: str, number: int) -> list[int]:
        """The places of a batch's samples in the data set."""
        loader = self.loader(split)
        count, size = len(loader.dataset), batch_size(loader)
        if not count:
            raise ConfigError(f'{split}_dataloader.dataset is empty')
        order = list(range(count))
        random.Random(0).shuffle(order)
        return [order[(number * size + place) % count] for place in range(size)]

    def peak_bytes(self) -> int:
        """Memory that models and steps took at most: the GPU's, or without one what this process has grown by."""
        if torch.cuda.is_available():
            return torch.cuda.max_memory_allocated()
        return max((most_resident() or 0) - (self._before or 0), 0)


def batch_size(loader: DataLoader) -> int:
    """Samples in a full batch of a data loader."""
    return getattr(loader.batch_sampler, 'batch_size', None) or loader.batch_size or 1


def _keeping(cfg: Any) -> Iterator[dict]:
    """The transforms of a data loader's config that keep frames."""
    for value in cfg.values() if isinstance(cfg, dict) else cfg:
        if isinstance(value, dict | list | tuple):
            yield from _keeping(value)
    if isinstance(cfg, dict) and cfg.get('keep_in') is not None:
        yield cfg


def _quiet(kind: type, logger: MMLogger) -> type:
    """A kind of runner that logs to ``logger`` alone and writes no config."""

    class Quiet(kind):
        def build_logger(self, *args: object, **kwargs: object) -> MMLogger:
            return logger

        def dump_config(self) -> None:
            pass

        def _log_env(self, env_cfg: dict) -> None:
            pass

    Quiet.__name__ = kind.__name__
    return Quiet


class _Recorder(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, messages: list[tuple[int, str]]) -> None:
        super().__init__()
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append((record.levelno, record.getMessage()))


def _restore(instances: dict, before: dict) -> None:
    instances.clear()
    instances.update(before)
