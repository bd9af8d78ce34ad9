"""`mmdualkd check CONFIG`, on whole tiny jobs."""

import sys

import pytest
import torch
from commands import findings, subcommand, texts
from distill_jobs import distill_job
from helpers import run, write_clips
from jobs import stock_job
from mmengine.logging import MMLogger
from picture_jobs import picture_job, write_pictures

from mmdualkd.checks.cost import check_step
from mmdualkd.checks.job import Job
from mmdualkd.checks.rate import check_rate
from mmdualkd.checks.speed import training_pace
from mmdualkd.errors import ConfigError
from mmdualkd.study.configs import config_of

OTHER_CLIPS = """
other = dict(ann_file={annotation!r}, data_prefix=dict(video={videos!r}))
val_dataloader['dataset'].update(other)
test_dataloader = val_dataloader
"""


def other_clips(folder, **kwargs):
    """Source of validation data that are not the training data."""
    annotation = write_clips(folder / 'other', frames=14, **kwargs)
    return OTHER_CLIPS.format(annotation=str(annotation), videos=str(annotation.parent))


@pytest.fixture(scope='module')
def job(tmp_path_factory):
    """A distillation in which nothing is wrong, but that its teachers have learned nothing."""
    folder = tmp_path_factory.mktemp('check')
    return distill_job(folder, other_clips(folder))


def test_a_sound_training_is_fine_in_all_its_parts(job, check):
    code, found = check(job.config)
    assert code == 0 and not texts(found, 'error')
    fine = {line.what for line in found if line.level == 'fine'}
    wanted = 'train data, val data, test data, model, labels, classes, train and val, videos, start, weights, step, '
    wanted += 'memory, validation, time, disk, learning rate'
    assert set(wanted.split(', ')) <= fine
    assert '8 samples of 2 classes' in texts(found, 'fine', 'train data')
    assert 'loss_kd' in texts(found, 'fine', 'step') and 'acc/top1' in texts(found, 'fine', 'validation')
    assert '2 epochs x ' in texts(found, 'fine', 'time') and '2 validations x ' in texts(found, 'fine', 'time')
    assert '62/62 tensors loaded' in texts(found, 'fine', 'weights')


def test_nothing_is_written_and_nothing_stays(job, check):
    before, logger = sorted(job.config.parent.iterdir()), MMLogger.get_current_instance()
    check(job.config)
    assert sorted(job.config.parent.iterdir()) == before and not job.work_dir.exists()
    assert MMLogger.get_current_instance() is logger


def test_teachers_that_know_nothing_are_a_warning(job, check):
    _, found = check(job.config)
    assert 'chance is 50.0%; it is no better than that' in texts(found, 'warning')


def test_the_worst_comes_last_and_ends_with_1_from_a_fresh_process_too(job):
    code = (
        'import argparse, sys\n'
        'from mmdualkd.cli import check\n'
        'parser = argparse.ArgumentParser()\n'
        'check.add_arguments(parser)\n'
        'print("torch" in sys.modules, "heavy")\n'
        'sys.exit(check.run(parser.parse_args()))\n'
    )
    options = 'val_dataloader.dataset.ann_file=nowhere.txt'
    output = run(sys.executable, '-c', code, job.config, '--cfg-options', options, ok=False)
    levels = [line.level for line in findings(output)]
    assert levels == sorted(levels, key=['fine', 'warning', 'error'].index) and levels[-1] == 'error'
    assert 'nowhere.txt' in output.splitlines()[-1] and 'False heavy' in output


def test_no_fault_hides_another(job, check):
    code, found = check(
        job.config,
        '--cfg-options',
        'val_dataloader.dataset.ann_file=nowhere.txt',
        'model.teachers.vit.checkpoint=gone.pth',
        'train_dataloader.batch_size=2',
    )
    errors = texts(found, 'error')
    assert code == 1 and "'nowhere.txt'" in errors and 'gone.pth' in errors
    skipped = texts(found, 'warning', 'not checked')
    assert 'leak, files: for want of the val data, which cannot be built (an error says why)' in skipped
    assert 'start, teachers, step' in skipped and 'for want of the model' in skipped
    assert '8 samples' in texts(found, 'fine', 'train data') and 'training samples each' in texts(
        found, 'fine', 'classes'
    )


def test_classes_in_another_order_are_an_error_and_the_step_is_still_measured(tmp_path, check):
    ours = (
        "for loader in (train_dataloader, val_dataloader):\n    loader['dataset']['type'] = 'mmdualkd.VideoDataset'\n"
    )
    job = distill_job(tmp_path, other_clips(tmp_path) + ours)
    for folder in ('clips', 'other'):
        (tmp_path / folder / 'classes.txt').write_text('run\nwalk\n')
    state = torch.load(tmp_path / 'vit.pth', weights_only=True)
    meta = dict(dataset_meta=dict(classes=['walk', 'run']))
    torch.save(dict(state_dict=state, meta=meta), tmp_path / 'vit.pth')
    code, found = check(job.config)
    assert code == 1 and "class 0 is 'walk' there and 'run' here" in texts(found, 'error', 'start')
    assert 'loss_kd' in texts(found, 'fine', 'step')


def test_losses_that_are_no_numbers_are_an_error(job, check):
    _, found = check(job.config, '--cfg-options', 'optim_wrapper.optimizer.lr=1e30')
    assert 'not finite within the first steps' in texts(found, 'error', 'step')


def test_of_losses_that_are_no_numbers_the_first_are_shown_and_whose_outputs_were_none(job, tmp_path):
    state = torch.load(job.config.parent / 'vit.pth', weights_only=True)
    torch.save({name: value.fill_(float('nan')) for name, value in state.items()}, tmp_path / 'nan.pth')
    with Job(config_of(str(job.config), {'model.teachers.vit.checkpoint': str(tmp_path / 'nan.pth')})) as parts:
        step = next(check_step(parts))
    assert step.level == 'error' and step.text.startswith('loss, loss_kd, loss_sdd, loss_rkd not finite')
    assert '; outputs that are not finite: model.teachers.vit: look at' in step.text


def test_a_learning_rate_that_is_wrong_by_far_is_an_error(job, check):
    _, found = check(job.config)
    assert 'moves the weights by ' in texts(found, 'fine', 'updates')
    for rate, text in (('1e3', 'lower optim_wrapper.optimizer.lr by far'), ('1e-13', 'nothing is learned')):
        code, found = check(job.config, '--cfg-options', f'optim_wrapper.optimizer.lr={rate}')
        assert code == 1 and text in texts(found, 'error', 'updates')


def test_updates_of_accumulated_gradients_are_those_of_the_first_weights_however_short_a_training_is(job):
    shown = []
    for count in (1, 2, 3):  # the whole training has four iterations
        with Job(config_of(str(job.config), {'optim_wrapper.accumulative_counts': count})) as built:
            built.started()
            [found] = check_rate(built)
        assert found.level == 'fine', found.text
        shown.append(found.text)
    assert len(set(shown)) == 1  # the batch is the same, and so is the mean of its gradients


def test_terms_count_in_full_in_what_is_tried_also_where_they_grow_from_nothing_in_training(job):
    shown = []
    for iterations in (0, 1000):
        with Job(config_of(str(job.config), {'model.warmup_iters': iterations})) as built:
            built.started()
            losses = training_pace(built)[1]
            shown.append((losses['loss_kd'], next(check_rate(built)).text))
    assert shown[0] == shown[1] and shown[0][0] > 0


def test_flags_of_training_are_checked_with_it(job, check):
    base = ['--cfg-options', 'auto_scale_lr.base_batch_size=8']
    code, found = check(job.config, '--no-validate', '--auto-scale-lr', *base)
    assert code == 0 and not texts(found, 'fine', 'validation')
    assert 'lr=0.02 of 8 is multiplied by 0.5' in texts(found, 'fine', 'learning rate')
    with pytest.raises(ConfigError, match='--amp needs optim_wrapper.type'):
        check(job.config, '--amp', '--cfg-options', 'optim_wrapper.type=ApexOptimWrapper')


def test_a_learning_rate_for_the_batch_of_all_processes_is_no_warning(job, check):
    _, found = check(job.config, '--processes', 8, '--cfg-options', 'auto_scale_lr.base_batch_size=32')
    assert texts(found, 'fine', 'learning rate') and 'linear rule' not in texts(found, 'warning')


def test_a_learning_rate_for_another_batch_is_a_warning_with_the_factor(job, check):
    base = ['--cfg-options', 'auto_scale_lr.base_batch_size=32']
    _, found = check(job.config, *base)
    text = texts(found, 'warning', 'learning rate')
    assert 'batch 4 (4 samples x 1 process), but lr=0.02 is for 32: the linear rule multiplies it by 0.125' in text
    assert 'lr=0.0025' in text and '--auto-scale-lr' in text
    _, found = check(job.config, '--processes', 8, *base, 'auto_scale_lr.enable=True')
    assert texts(found, 'fine', 'learning rate') == 'batch 32 (4 samples x 8 processes), as lr=0.02 asks'
    assert 'at the highest rate, 0.02, ' in texts(found, 'fine', 'updates')  # not of one process
    _, found = check(job.config, *base, 'auto_scale_lr.enable=True')
    assert 'is multiplied by 0.125' in texts(found, 'fine', 'learning rate')
    _, found = check(job.config, *base, 'auto_scale_lr.enable=True', 'optim_wrapper.accumulative_counts=8')
    assert texts(found, 'fine', 'learning rate').endswith('8 accumulated steps), as lr=0.02 asks')
    assert 'at the highest rate, 0.02, ' in texts(found, 'fine', 'updates')


def test_batches_of_fewer_samples_than_a_term_compares_are_a_warning_whatever_processes_there_are(job, check):
    alone = ['--cfg-options', 'train_dataloader.batch_size=1']
    for words, told in ((alone, 1), (['--processes', 2, *alone], 2), (['--processes', 3, *alone], None)):
        _, found = check(job.config, *words)
        text = texts(found, 'warning', 'terms')
        assert told is None and not text or 'from rkd (from 3 samples on)' in text and f'a batch has {told}:' in text
        assert 'nothing learns' not in texts(found, 'warning', 'log')


SLOW = """
import time
from mmcv.transforms import BaseTransform
from mmdualkd.registry import TRANSFORMS

@TRANSFORMS.register_module(force=True)
class Slow(BaseTransform):
    def transform(self, results):
        time.sleep(0.3)
        return results
"""


def test_decoding_slower_than_steps_says_how_many_workers_keep_up(tmp_path, check, monkeypatch):
    (tmp_path / 'slow_transform.py').write_text(SLOW)
    monkeypatch.syspath_prepend(tmp_path)
    extra = "custom_imports['imports'].append('slow_transform')\ntrain_pipeline.append(dict(type='mmdualkd.Slow'))\n"
    job = distill_job(tmp_path / 'job', extra)
    _, found = check(job.config, '--samples', 1)
    text = texts(found, 'warning', 'decoding')
    assert 'workers to keep up, train_dataloader.num_workers=0; set it to ' in text


def test_little_memory_and_a_full_disk_are_said(job, check, monkeypatch):
    monkeypatch.setattr('mmdualkd.checks.job.memory', lambda: 1 << 20)
    monkeypatch.setattr('mmdualkd.checks.job.most_resident', lambda: 1 << 40)  # this process has grown before
    monkeypatch.setattr('mmdualkd.checks.cost.free_space', lambda folder: 1 << 20)
    code, found = check(job.config)
    if not torch.cuda.is_available():
        assert '1.0 MB were free: lower train_dataloader.batch_size' in texts(found, 'warning', 'memory')
    assert code == 1 and 'max_keep_ckpts' in texts(found, 'error', 'disk')


def test_a_work_directory_that_cannot_be_written_is_an_error(job, check):
    code, found = check(job.config, '--work-dir', '/proc/runs')
    assert code == 1 and '--work-dir' in texts(found, 'error', 'disk')


def test_a_plain_config_of_mmaction2_is_checked_as_far_as_it_goes(tmp_path, check):
    job = stock_job(tmp_path)
    (tmp_path / 'clips' / 'class0_0.avi').write_bytes(b'')
    code, found = check(job.config, '--cfg-options', 'model.cls_head.num_classes=3')
    assert code == 1
    text = texts(found, 'error', 'videos')
    assert '1 of 8 files cannot be opened' in text and 'class0_0.avi (it is empty)' in text
    assert 'VideoDataset ends training at the first one' in text and 'use mmdualkd.VideoDataset' in text
    assert '1 of 3 have no training sample and are never learned: 2' in texts(found, 'warning', 'classes')
    assert not [line for line in found if 'teacher' in line.what]
    assert texts(found, 'error', 'step')  # it does


def test_pictures_are_checked_too(tmp_path, check):
    job = picture_job(tmp_path)
    test = write_pictures(tmp_path / 'test', per_class=3, size=36)
    (test / 'class0' / 'broken.jpg').write_text('no picture')
    code, found = check(job.config, '--cfg-options', f'val_dataloader.dataset.data_prefix={test}')
    assert '8 pictures of 2 classes' in texts(found, 'fine', 'train data')
    assert '1 of 15 files cannot be opened' in texts(found, 'warning', 'pictures')
    assert 'broken.jpg (it is no picture)' in texts(found, 'warning', 'pictures')
    assert 'accuracy/top1' in texts(found, 'fine', 'validation') and 'teacher' in texts(found, 'fine', 'model')
    # the test data are still the training data
    assert code == 1 and '8 of 8 test files are in the training data' in texts(found, 'error', 'train and test')


def test_a_config_that_cannot_be_read_is_one_error(tmp_path):
    with pytest.raises(ConfigError, match='is not a file'):
        subcommand('check', tmp_path / 'gone.py')


def test_a_config_that_trains_nothing_is_one_error(job):
    options = ['train_dataloader=None', 'train_cfg=None', 'optim_wrapper=None', 'param_scheduler=None']
    with pytest.raises(ConfigError, match='no train_dataloader'):
        subcommand('check', job.config, '--cfg-options', *options)
