"""Whole jobs on lists in which most videos have no label, through tools/train.py."""

import json

import pytest
from cache_jobs import cache_job, error_of, losses_of, train
from commands import findings, subcommand, texts
from jobs import stock_job

from mmdualkd.study.caches import group_of
from mmdualkd.study.configs import config_of

LABELS = [0, -1, -1, -1, 1, -1, -1, -1]


def without_most_labels(job):
    """Takes the labels of the job's list away but for one of each class, and breaks a video that has none."""
    path = job.config.parent / 'clips' / 'annotation.txt'
    names = [line.split()[0] for line in path.read_text().splitlines()]
    (path.parent / names[3]).write_bytes(b'no video')
    path.write_text(''.join(f'{name} {label}\n' for name, label in zip(names, LABELS, strict=True)))


@pytest.fixture(scope='module')
def job(tmp_path_factory):
    """A dual-teacher distillation with a term that reads labels."""
    job = cache_job(tmp_path_factory.mktemp('job'))
    without_most_labels(job)
    return job


def test_a_distillation_learns_from_clips_without_labels(job, tmp_path):
    output = train(job, tmp_path, 'train_dataloader.batch_size=2', 'log_level=INFO')
    assert '6 of 8 samples have no label; terms that read labels skip them' in output
    assert 'did not decode: ' in output and 'class0_3.avi' in output
    assert len(losses_of(tmp_path)) == 8
    entries = [json.loads(line) for line in next(tmp_path.glob('*/vis_data/scalars.json')).read_text().splitlines()]
    assert entries[-1]['loss_cls'] > 0 and 0 <= entries[-1]['batch_acc/student'] <= 1  # means of some iterations
    assert all(entry['loss_kd'] > 0 for entry in entries)


def test_check_counts_them_and_judges_teachers_by_the_others(job, capsys):
    subcommand('check', job.config)
    found = findings(capsys.readouterr().out)
    assert '6 of 8 training samples have none' in texts(found, 'fine', 'labels')
    assert 'on 2 training samples' in '\n'.join(line.text for line in found if line.what == 'teacher vit')


def test_rows_of_a_study_share_teachers_whatever_their_share_of_labels(job):
    key = 'train_dataloader.dataset'
    groups = [
        group_of(config_of(str(job.config), {f'{key}.{name}': value for name, value in options.items()}))
        for options in (
            dict(),
            dict(labelled_fraction=0.1),
            dict(labelled_fraction=0.4, label_seed=2, unlabelled='keep'),
            dict(labelled_fraction=0.4, unlabelled='drop'),
        )
    ]
    assert groups[0] == groups[1] == groups[2] != groups[3]


def test_plain_training_is_told_to_leave_them_out_and_does(tmp_path):
    job = stock_job(tmp_path)
    source = "train_dataloader['dataset'].update(type='mmdualkd.VideoDataset')\n"
    source += "custom_hooks += [dict(type='mmdualkd.PreflightHook')]\n"
    job.config.write_text(job.config.read_text() + source)
    without_most_labels(job)
    error = error_of(job, tmp_path / 'run', 'log_level=WARNING')
    assert '6 of 8 samples have no label (-1), such as ' in error and 'class0_1.avi' in error
    assert "a Recognizer3D without terms learns from labels alone: dataset.unlabelled='drop' leaves them out" in error
    train(job, tmp_path / 'run', 'train_dataloader.dataset.unlabelled=drop')
    assert len(losses_of(tmp_path / 'run')) == 2
