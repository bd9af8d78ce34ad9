"""Runs that cannot be resumed as asked say so in one line, and never begin anew in silence."""

import logging
import shutil

import pytest
from jobs import Job
from mmengine.logging import MMLogger
from picture_jobs import cut, picture_job, resnet, runner_of, without_validation

from mmdualkd.errors import CheckpointError

KD = dict(type='FusedKD', weighting=dict(type='Uniform'))


@pytest.fixture(scope='module')
def done(tmp_path_factory):
    """A finished run of two epochs."""
    job = picture_job(tmp_path_factory.mktemp('done'))
    runner_of(job, **without_validation()).train()
    return job


@pytest.fixture
def job(done, tmp_path):
    """A copy of its work directory, moved elsewhere."""
    shutil.copytree(done.work_dir, tmp_path / 'moved')
    return Job(done.config, tmp_path / 'moved')


def resume(job, path=None, **options):
    options = without_validation(resume=True, load_from=path and str(path), work_dir=str(job.work_dir), **options)
    runner_of(job, **options).train()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'model.student.config': resnet(channels=6)}, r'\d+ tensors of another shape \(student\.backbone\.\S+: \(4,'),
        ({'model.terms.more': KD}, 'terms kd=FusedKD there, kd=FusedKD, more=FusedKD here'),
        ({'optim_wrapper.optimizer': dict(type='Adam', lr=0.1)}, 'optimizer SGD there, Adam here'),
        (
            {'optim_wrapper.paramwise_cfg.custom_keys': dict(head=dict(lr_mult=0))},
            r'1 groups of \d+ parameters there, \d+ groups',
        ),
    ],
    ids=['width', 'terms', 'optimizer', 'groups'],
)
def test_a_finished_run_whose_config_was_changed_is_one_clear_error(done, options, message):
    if 'optim_wrapper.optimizer' in options:
        options['optim_wrapper.optimizer'] = dict(options['optim_wrapper.optimizer'], _delete_=True)
    with pytest.raises(CheckpointError, match=rf"resume: '.*epoch_2\.pth' is of another training.*{message}"):
        resume(done, **options)


def test_a_finished_run_whose_config_is_the_same_ends_at_once(done):
    resume(done)


@pytest.mark.parametrize('name', ['student_epoch_2.pth', 'weights.pth'])
def test_weights_without_a_trainings_state_are_named_as_that(job, name):
    if name == 'weights.pth':
        (job.work_dir / 'student_epoch_2.pth').rename(job.work_dir / name)
    with pytest.raises(CheckpointError, match=rf"'.*{name}' holds .*weights without .*load_from or model\.student"):
        resume(job, job.work_dir / name)


def test_a_newest_file_that_is_cut_short_is_named_with_the_one_before_it(job):
    newest = job.work_dir / 'epoch_2.pth'
    (job.work_dir / 'last_checkpoint').write_text(str(newest))
    cut(newest)
    with pytest.raises(CheckpointError, match=rf"resume: '{newest}' .*; resume from '{job.work_dir}/epoch_1\.pth'"):
        resume(job)


def test_a_file_that_is_not_there_is_named_with_the_nearest(job):
    with pytest.raises(CheckpointError, match=rf"no file '.*epoch_12\.pth'; resume from '{job.work_dir}/epoch_2\.pth'"):
        resume(job, job.work_dir / 'epoch_12.pth')


@pytest.mark.parametrize('record', ['/gone/epoch_2.pth', ''], ids=['elsewhere', 'empty'])
def test_a_last_checkpoint_that_names_no_file_is_an_error_that_names_one(job, record):
    (job.work_dir / 'last_checkpoint').write_text(record)
    with pytest.raises(CheckpointError, match=rf"no file .*; resume from '{job.work_dir}/epoch_2\.pth'"):
        resume(job)


def test_nothing_to_resume_is_said_in_a_line_of_its_own_and_training_begins(job, caplog):
    (job.work_dir / 'last_checkpoint').unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MMLogger, 'callHandlers', lambda self, record: caplog.handler.handle(record))
        caplog.set_level(logging.WARNING)
        resume(job, train_cfg=dict(max_epochs=1))
    lines = [line for line in caplog.messages if 'nothing to resume' in line]
    assert len(lines) == 1 and 'epoch_2.pth: to go on from it, name it); training begins anew' in lines[0]
    assert len(job.losses()) == 4 + 2
