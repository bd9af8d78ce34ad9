"""Runs a student and its teachers over the validation data; a second time reads what they said."""

import copy
import hashlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import print_log
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..bar import progress
from ..checks.accuracy import batches, build_loader, build_models, finite
from ..datasets.samples import CUTS
from ..datasets.wrappers import class_names
from ..errors import CheckpointError, ConfigError, DataError, DistillError
from ..faults import explain
from ..hooks.class_order import check_tested_classes
from ..hooks.corrupt_video import report_failed
from ..names import FILES, LABELS, STUDENT
from ..outputs import Scores
from ..zoo.weights import load_teacher_weights
from .predictions import Predictions, check_same_data
from .training import Training

FILE = Path('report') / 'predictions.npz'  # in the work directory
FORM = 2  # of that file; another number reads none of the older ones


def predictions_of(training: Training) -> Predictions:
    """What the student of a training and its teachers say of its validation data.

    The student is run as in the training's own validation, by ``val_dataloader``. Teachers are run as
    ``tools/check_teachers.py`` does, on one clip a video through ``teacher_val_pipeline``, and weighed there by the
    terms' own weightings beside the student on the same clip. Teachers that cannot be run are told of in ``notes``.
    The answer is kept in ``report/predictions.npz``, and read from there as long as checkpoints, data and the config's
    part in it are the same.

    Args:
        training: The training.

    Raises:
        DistillError: If there is no checkpoint or config, or the data cannot be read.
    """
    cfg = ordered(training.config)
    loader = build_val_loader(cfg)
    samples = samples_of(loader.dataset)
    key = key_of(cfg, training.checkpoint, loader.dataset, samples)
    path = training.folder / FILE
    if (found := Predictions.load(path, key)) is not None:
        return found
    found = run_student(cfg, training.checkpoint, loader, samples)
    if cfg.model.get('teachers'):
        try:
            run_teachers(cfg, training.checkpoint, found)
        except (DistillError, OSError) as error:
            found.notes.append(f'The teachers could not be run: {one_line(error)}.')
            return found  # not kept: what is wrong may be mended without a change that the key tells of
    keep(found, path, key)
    return found


def check_data(training: Training, alone: Training, key: str) -> None:
    """Refuses trainings that were validated on other samples or classes, before a network is run.

    What cannot be read is told of when the networks are run.

    Args:
        training: The training that the page is of.
        alone: The one that it is compared with.
        key: The argument that names that one.

    Raises:
        ConfigError: See :func:`~mmdualkd.report.predictions.check_same_data`.
    """
    asked = []
    for one in (training, alone):
        try:
            dataset = build_val_loader(ordered(one.config)).dataset
            files, labels = zip(*samples_of(dataset), strict=True)
        except (DistillError, OSError):
            return
        asked.append(Predictions(class_names(dataset), list(files), np.array(labels)))
    if not all(one.classes for one in asked):  # they are numbers then, as many as the student has
        asked[0].classes = asked[1].classes = []
    check_same_data(*asked, key)


def keep(found: Predictions, path: Path, key: str) -> None:
    """Writes predictions; where that cannot be, says that the next report runs the networks again."""
    try:
        path.parent.mkdir(exist_ok=True)
        found.save(path, key)
    except (OSError, CheckpointError) as error:
        print_log(f'the predictions are not kept: {error}', logger='current', level=logging.WARNING)


def ordered(cfg: Config) -> Config:
    """A config whose validation data come in their order and all of them."""
    if cfg.get('val_dataloader') is None:
        raise ConfigError('the config of the training has no val_dataloader')
    cfg = copy.deepcopy(cfg)
    cfg.val_dataloader.sampler = dict(type='DefaultSampler', shuffle=False)
    cfg.val_dataloader.pop('drop_last', None)
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    return cfg


def build_val_loader(cfg: Config) -> DataLoader:
    """The validation data through the student's own pipeline.

    Raises:
        DataError: If they are not there, or cannot be read.
    """
    try:
        return Runner.build_dataloader(copy.deepcopy(cfg.val_dataloader))
    except OSError as error:
        raise DataError(f'the validation data cannot be read from {os.getcwd()!r}: {one_line(error)}') from error
    except DistillError:
        raise
    except Exception as error:
        if (line := explain(error)) is None:
            raise
        raise DataError(line) from error


def samples_of(dataset: Any) -> list[tuple[str, int]]:
    """File and label of each sample; a sample without a file (CIFAR) has an empty one.

    Raises:
        ConfigError: If samples have several labels.
    """
    found = []
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        file = next((str(info[name]) for name in FILES if info.get(name)), '')
        label = np.asarray(next((info[name] for name in LABELS if name in info), ()))
        if label.size != 1:
            raise ConfigError('its samples have several labels (or none): a report is of data of one label a sample')
        found.append((file, int(label.item())))
    if not found:
        raise DataError('the validation data is empty')
    return found


def key_of(cfg: Config, checkpoint: Path, dataset: Any, samples: list[tuple[str, int]]) -> str:
    """A digest of all that predictions depend on; of a file its size and the time of its last change, and its part."""
    parts: list[Any] = [FORM, *(repr(cfg.get(name)) for name in ('model', 'val_dataloader', 'teacher_val_pipeline'))]
    teachers = (cfg.model.get('teachers') or {}).values()
    files = [checkpoint, *(str(teacher.get('checkpoint')) for teacher in teachers)]
    names = getattr(dataset, 'metainfo', {}).get('classes')
    parts += [names] + [_stamp(file) for file in files] + [(*sample, _stamp(sample[0])) for sample in samples]
    infos = map(dataset.get_data_info, range(len(samples)))
    parts += [[info.get(name) for cut in CUTS for name in cut] for info in infos]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _stamp(file: str | Path) -> list[tuple[int, int]] | None:
    """Size and time of a file, or of each of a folder's: a frame that is written anew changes nothing of the folder."""
    try:
        inside = sorted(os.listdir(file)) if os.path.isdir(file) else ()
        stats = [os.stat(os.path.join(file, name)) for name in inside] or [os.stat(file)]
    except OSError:
        return None
    return [(stat.st_size, stat.st_mtime_ns) for stat in stats]


@torch.no_grad()
def run_student(cfg: Config, checkpoint: Path, loader: DataLoader, samples: list[tuple[str, int]]) -> Predictions:
    """Runs the student as its own validation does.

    Args:
        cfg: The config of the training.
        checkpoint: Its weights.
        loader: The data.
        samples: File and label of each.
    """
    model, student = build_student(cfg, checkpoint)
    check_tested_classes(str(checkpoint), student._dataset_meta['classes'], loader.dataset, 'val_dataloader.dataset')
    scores = []
    for data in _told(loader, f'student of {checkpoint}'):
        scores += [sample.pred_score.cpu() for sample in model.val_step(data)]
    rows = torch.stack(scores).float()
    if getattr(getattr(student, 'cls_head', None), 'average_clips', 'prob') != 'prob':
        rows = rows.softmax(dim=-1)  # MMAction2's other ways of averaging give logits
    names = class_names(loader.dataset)
    if len(names) != rows.size(1):
        names = [f'class {number}' for number in range(rows.size(1))]
    files, labels = zip(*samples, strict=True)
    if max(labels) >= rows.size(1):
        raise ConfigError(f'the validation data have label {max(labels)}, but the student has {rows.size(1)} classes')
    found = Predictions(names, list(files), np.array(labels))
    found.add(STUDENT, finite(rows, 'the student').numpy())
    if count := report_failed(loader.dataset, f'student of {checkpoint}', max_fraction=1):
        found.notes.append(f'{count} of {len(samples)} samples did not decode, and are judged as blanks.')
    return found


def build_student(cfg: Config, checkpoint: Path) -> tuple[nn.Module, nn.Module]:
    """The model that validation runs, and the student in it (of a plain training the model itself), in eval mode."""
    model = copy.deepcopy(cfg.model)
    if {'student', 'teachers'} <= set(model):
        model.student_only = True
    model = MODELS.build(model)
    student = getattr(model, STUDENT, model)
    load_teacher_weights(student, str(checkpoint), 'checkpoint')
    return model.to(get_device()).eval(), student


@torch.no_grad()
def run_teachers(cfg: Config, checkpoint: Path, found: Predictions) -> None:
    """Runs the teachers beside the student and adds what they say, and what they weigh.

    Args:
        cfg: The config of the distillation.
        checkpoint: The student's weights.
        found: The student's predictions of the same samples.
    """
    distiller, models = build_models(cfg, str(checkpoint))
    weighting = {name: getattr(term, 'weighting', None) for name, term in distiller.terms.items()}
    scores: dict[str, list[Tensor]] = {name: [] for name in models if name != STUDENT}
    logits: dict[str, list[Tensor]] = {name: [] for name in models}
    truth: list[int] = []
    print(f'teachers {", ".join(scores)}', file=sys.stderr)
    for clips, labels in batches(distiller, build_loader(cfg, distiller)):
        truth += labels
        for name, model in models.items():
            rows = Scores(model)(distiller.views[name](clips)).float().unflatten(0, (len(labels), -1))
            logits[name].append(rows.mean(dim=1).cpu())  # (N, clips, C) -> (N, C)
            if name in scores:
                scores[name].append(rows.softmax(dim=-1).mean(dim=1).cpu())  # as tools/check_teachers.py averages
    for name, rows in {name: finite(torch.cat(rows), f'teacher {name}') for name, rows in scores.items()}.items():
        found.add(name, rows.numpy())
    whole = {name: torch.cat(rows) for name, rows in logits.items()}
    student = whole.pop(STUDENT)
    onehot = torch.eye(student.size(1) + 1)[truth, :-1]  # zeros for the label -1
    for name, weigh in weighting.items():  # all samples at once: AEKD weighs a batch, and these may lie class by class
        if isinstance(weigh, nn.Module):
            names = list(distiller.terms[name].teachers or whole)
            shares = weigh(torch.stack([whole[one] for one in names]), student, onehot)
            found.weights |= {f'{name}/{one}': values.numpy() for one, values in zip(names, shares, strict=True)}


def _told(loader: DataLoader, what: str) -> Iterator[Any]:
    """The batches of a loader; shows what runs and the time that is left."""
    print(what, file=sys.stderr)
    try:
        with progress(len(loader.dataset), 'running it') as done:
            for data in loader:
                yield data
                done(len(data['inputs']))
    except (DistillError, MemoryError):
        raise
    except Exception as error:  # what a decoder raises of a stock data set; ours live on
        raise DataError(f'the validation data cannot be read: {one_line(error)}') from error


def one_line(error: Exception) -> str:
    """An error's message in one line."""
    return ' '.join(str(error).split()).rstrip('.')
