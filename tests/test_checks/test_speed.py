"""The speed of a training, and checks before its teachers are trained."""

import argparse
import sys

import pytest
import torch
from distill_jobs import distill_job
from jobs import stock_job
from picture_jobs import picture_job

from mmdualkd.checks import check_config, measure_speed
from mmdualkd.checks.job import Job
from mmdualkd.checks.speed import Pace
from mmdualkd.datasets.kept import Keeper
from mmdualkd.errors import CheckpointError, ConfigError
from mmdualkd.launch import load_config


def config_of(job, **options):
    """A job's config as the tools read it."""
    args = dict(config=str(job.config), work_dir=None, cfg_options=options or None, launcher='none', local_rank=0)
    return load_config(argparse.Namespace(**args))


def test_a_speed_is_that_of_the_config_and_leaves_nothing(tmp_path):
    job = distill_job(tmp_path, epochs=1)
    speed = measure_speed(config_of(job))
    assert 0 < speed.step_seconds < 60 and 0 < speed.decode_seconds_per_batch < 10
    assert speed.train_epoch_seconds == pytest.approx(2 * (speed.step_seconds + speed.decode_seconds_per_batch))
    assert speed.val_epoch_seconds > 0 and speed.peak_bytes >= 0
    assert not job.work_dir.exists()


@pytest.mark.skipif(torch.cuda.is_available() or not sys.platform.startswith('linux'), reason='memory of Linux')
def test_memory_that_an_earlier_check_took_is_counted_again(tmp_path):
    cfg, peaks, above = config_of(stock_job(tmp_path)), [], []
    for _ in range(2):
        with Job(cfg) as job:
            taken = [torch.ones(25_000) for _ in range(1000)]
            above.append(torch.ones(25_000))  # keeps what lies below it with the process once it is free
            peaks.append(job.peak_bytes())
            del taken
    assert min(peaks) > 90e6


def test_videos_that_are_decoded_once_are_measured_as_from_the_second_time(tmp_path, monkeypatch):
    job, written = distill_job(tmp_path, epochs=1), []
    write = Keeper._write
    monkeypatch.setattr(Keeper, '_write', lambda self, file, *clip: written.append(file) or write(self, file, *clip))
    opening = 'train_dataloader.dataset.pipeline.0'
    cfg = config_of(job, **{f'{opening}.type': 'mmdualkd.DecordInit', f'{opening}.keep_in': str(tmp_path / 'frames')})
    monkeypatch.setattr(Job, 'batch', lambda self, split, number, plain=Job.batch: calls.append(split) or plain(
        self, split, number))  # fmt: skip
    calls = []
    assert measure_speed(cfg).decode_seconds_per_batch > 0
    assert calls.count('train') == 2 * calls.count('val') and len(written) == len(set(written)) == 8
    assert not any(path.exists() for path in (tmp_path / 'frames', *written))
    (tmp_path / 'file').touch()
    for place, message in {
        '/proc/none/frames': 'cannot be written .*, /proc',
        str(tmp_path / 'file' / 'frames'): 'cannot be written .Not a directory, .*/file.$',
        ' ': 'must be None or the path',
    }.items():
        cfg.train_dataloader.dataset.pipeline[0].keep_in = place
        with Job(cfg) as checked, pytest.raises(ConfigError, match=f'mmdualkd.DecordInit: keep_in.*{message}'):
            checked.loader('train')


def test_data_smaller_than_a_batch_and_a_training_without_validation_are_measured(tmp_path):
    job = stock_job(tmp_path)
    options = {'train_dataloader.batch_size': 32, 'train_dataloader.drop_last': True}
    cfg = config_of(job, **options)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    speed = measure_speed(cfg)
    assert speed.step_seconds > 0 and speed.val_epoch_seconds == 0


@pytest.mark.parametrize('make', [distill_job, picture_job])
def test_teachers_that_a_later_stage_trains_are_built_and_not_judged(tmp_path, make):
    job = make(tmp_path)
    cfg = config_of(job)
    name = next(iter(cfg.model.teachers))
    cfg.model.teachers[name].checkpoint = str(tmp_path / 'later.pth')
    with pytest.raises(CheckpointError, match='later.pth'):
        measure_speed(cfg)
    assert measure_speed(cfg, untrained=[name]).step_seconds > 0
    found = check_config(cfg, untrained=[name])
    texts = {finding.what: finding.text for finding in found}
    assert texts[f'teacher {name}'] == 'not judged: its checkpoint is not there yet'
    assert 'loss_kd' in texts['step']
    assert not [finding for finding in found if finding.level == 'error' and 'train and' not in finding.what]
    with pytest.raises(ConfigError, match=f"a teacher='x' names no .*did you mean '{name[0]}|there are"):
        measure_speed(cfg, untrained=['x'])


def test_workers_set_the_pace_where_they_are_too_few(monkeypatch):
    monkeypatch.setattr('mmdualkd.checks.speed.cores', lambda: 4)
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)
    assert Pace(decode=2.0, step=1.0, batches=10, workers=0).epoch == 30
    assert Pace(decode=2.0, step=1.0, batches=10, workers=1).epoch == 20
    assert Pace(decode=2.0, step=1.0, batches=10, workers=2).epoch == 10
    assert Pace(decode=16.0, step=1.0, batches=10, workers=16).epoch == 40
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    assert Pace(decode=2.0, step=1.0, batches=10, workers=2).epoch == 15  # they share the cores
