"""Runs that cannot be resumed as asked say so in one line, and never begin anew in silence."""

import functools
import http.server
import logging
import shutil
import threading
import zipfile

import pytest
import torch
from jobs import Job, read
from mmengine.config import Config
from mmengine.logging import MMLogger
from picture_jobs import cut, picture_job, resnet, runner_of, save_classifier, vit, without_validation

from mmdualkd.errors import CheckpointError
from mmdualkd.hooks.same_training import other_order

KD = dict(type='FusedKD', weighting=dict(type='Uniform'))
STEPS = dict(type='MultiStepLR', milestones=[100], by_epoch=True)  # as the job's
LOADED = dict(type='LoadImageFromFile')


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


@pytest.fixture
def warnings(caplog, monkeypatch):
    """The warnings that a run logs."""
    monkeypatch.setattr(MMLogger, 'callHandlers', lambda self, record: caplog.handler.handle(record))
    caplog.set_level(logging.WARNING)
    return caplog


def resume(job, path=None, **options):
    options = without_validation(resume=True, load_from=path and str(path), work_dir=str(job.work_dir), **options)
    runner_of(job, **options).train()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'model.student.config': resnet(channels=6)}, r'\d+ tensors of another shape \(student\.backbone\.\S+: \(4,'),
        ({'model.terms.more': KD}, 'terms kd=FusedKD there, kd=FusedKD, more=FusedKD here'),
        ({'optim_wrapper.optimizer': dict(type='Adam', lr=0.1)}, 'optimizer SGD there, Adam here'),
        ({'optim_wrapper.optimizer.lr': 0.5}, r'optim_wrapper\.optimizer\.lr 0\.02 there, 0\.5 here'),
        (
            {'optim_wrapper.paramwise_cfg.custom_keys': dict(head=dict(lr_mult=0))},
            r'1 groups of \d+ parameters there, \d+ groups',
        ),
        ({'param_scheduler': [dict(STEPS, milestones=[3])]}, r'param_scheduler\.0\.milestones\.0 100 there, 3 here'),
        ({'param_scheduler': [STEPS, STEPS]}, r"param_scheduler\.1\.type not set there, 'MultiStepLR' here"),
        ({'train_dataloader.batch_size': 5}, r'batches of 4 samples there, of 5 here \(batch_size, processes\)'),
        ({'train_dataloader.dataset.indices': 4}, r'2 batches an epoch there, 1 here \(data\)'),
        (
            {
                'train_cfg': dict(_delete_=True, by_epoch=False, max_iters=9),
                'param_scheduler': [dict(STEPS, by_epoch=False)],
            },
            r'a loop of epochs there, of iterations here \(train_cfg\)',
        ),
        ({'param_scheduler': None}, r"param_scheduler\.0\.type 'MultiStepLR' there, not set here.*\. Resume with"),
        ({'optim_wrapper.accumulative_counts': 2}, r'optim_wrapper\.accumulative_counts not set there, 2 here'),
        (
            {'auto_scale_lr': dict(enable=True, base_batch_size=8)},
            r'auto_scale_lr\.enable not set there, True here; auto_scale_lr\.base_batch_size not set there, 8 here',
        ),
        ({'train_dataloader.dataset.labelled_fraction': 0.5}, r'dataset\.labelled_fraction not set there, 0\.5 here'),
        (
            {'train_dataloader.dataset.pipeline': [LOADED, dict(type='RandomFlip', prob=0.5), dict(type='PackInputs')]},
            r"train_dataloader\.dataset\.pipeline\.1\.type 'PackInputs' there, 'RandomFlip' here",
        ),
        ({'train_dataloader.sampler.shuffle': False}, r'train_dataloader\.sampler\.shuffle True there, False here'),
        ({'train_dataloader.dataset.indices': [7, 6, 5, 4, 3, 2, 1, 0]}, r'dataset\.indices\.0 not set there, 7 here'),
        (
            {'train_dataloader.collate_fn': dict(type='pseudo_collate')},
            r"collate_fn\.type 'default_collate' there, 'pseudo_collate' here",
        ),
        ({'model.terms.kd.tau': 7}, r'model\.terms\.kd\.tau not set there, 7 here'),
        ({'model.views.student.size': 16}, r'model\.views\.student\.size 32 there, 16 here'),
        ({'model.warmup_iters': 9}, r'model\.warmup_iters not set there, 9 here'),
        ({'optim_wrapper.clip_grad': dict(max_norm=5)}, r'optim_wrapper\.clip_grad\.max_norm not set there, 5 here'),
        ({'optim_wrapper.type': 'AmpOptimWrapper'}, r"wrapper\.type 'OptimWrapper' there, 'AmpOptimWrapper' here"),
        (
            {'model.student.config.head.loss': dict(type='LabelSmoothLoss', label_smooth_val=0.1)},
            r'model\.student\.head\.loss\.',
        ),
        (
            {'model.blending': dict(augments=[dict(type='Mixup', alpha=0.8)])},
            r"model\.blending\.augments\.0\.type not set there, 'Mixup' here",
        ),
        ({'model.terms.kd.weighting.type': 'DATW'}, r"model\.terms\.kd\.weighting\.type 'Uniform' there, 'DATW' here"),
        (
            {'model.teachers.teacher.config.backbone.arch.num_heads': 4},
            r'model\.teachers\.teacher: model\.backbone\.arch\.num_heads 2 there, 4 here',
        ),
    ],
    ids=[
        'width',
        'terms',
        'optimizer',
        'rate',
        'groups',
        'schedule',
        'schedules',
        'batch',
        'epoch',
        'loop',
        'none',
        'accumulation',
        'scaled',
        'labels',
        'pipeline',
        'order',
        'samples',
        'collate',
        'term',
        'view',
        'warm-up',
        'clipping',
        'AMP',
        "student's loss",
        'blending',
        'weighting',
        'teacher',
    ],
)
def test_a_finished_run_whose_config_was_changed_is_one_clear_error(done, options, message):
    if 'optim_wrapper.optimizer' in options:
        options['optim_wrapper.optimizer'] = dict(options['optim_wrapper.optimizer'], _delete_=True)
    with pytest.raises(CheckpointError, match=rf"resume: '.*epoch_2\.pth' is of another training.*{message}"):
        resume(done, **options)


def test_rates_of_some_parameters_that_a_resumed_optimizer_would_not_take_are_one_clear_error(job, tmp_path):
    options = without_validation(work_dir=str(tmp_path / 'rates'))
    for epochs, mult in ((1, 2.0), (2, 2.0), (3, 4.0)):
        rates = {'optim_wrapper.paramwise_cfg': dict(custom_keys=dict(head=dict(lr_mult=mult)))}
        runner = runner_of(job, **options, **rates, resume=epochs > 1, train_cfg=dict(max_epochs=epochs))
        if mult == 2:
            runner.train()
            continue
        with pytest.raises(CheckpointError, match=r'paramwise_cfg\.custom_keys\.head\.lr_mult 2\.0 there, 4\.0 here'):
            runner.train()


def test_other_weights_of_a_teacher_are_one_clear_error_wherever_their_file_lies(done, tmp_path):
    same, other = shutil.copy(done.config.parent / 'teacher.pth', tmp_path / 'moved.pth'), tmp_path / 'other.pth'
    resume(done, **{'model.teachers.teacher.checkpoint': str(same)})
    save_classifier(vit(), other, seed=2)
    with pytest.raises(
        CheckpointError, match=r'weights of model\.teachers\.teacher teacher\.pth there, other\.pth here'
    ):
        resume(done, **{'model.teachers.teacher.checkpoint': str(other)})


def test_a_students_file_that_was_edited_is_one_clear_error(done, tmp_path):
    file, model = tmp_path / 'student.py', resnet()
    options = dict(without_validation(work_dir=str(tmp_path / 'run')), **{'model.student.config': str(file)})
    for smooth in (0.1, 0.2):
        model['head']['loss'] = dict(type='LabelSmoothLoss', label_smooth_val=smooth)
        file.write_text(f'model = {model}')
        if smooth == 0.1:
            runner_of(done, **options).train()
    with pytest.raises(CheckpointError, match=r'model\.student\.head\.loss\.label_smooth_val 0\.1 there, 0\.2 here'):
        runner_of(done, **options, resume=True).train()


def test_a_teachers_file_that_was_edited_is_one_clear_error(done, tmp_path):
    file, model = tmp_path / 'teacher.py', vit()
    options = dict(without_validation(work_dir=str(tmp_path / 'run')), **{'model.teachers.teacher.config': str(file)})
    for rate in (0.0, 0.5):
        model['backbone']['drop_rate'] = rate
        file.write_text(f'model = {model}')
        if not rate:
            runner_of(done, **options).train()
    with pytest.raises(CheckpointError, match=r'teachers\.teacher: model\.backbone\.drop_rate 0\.0 there, 0\.5 here'):
        runner_of(done, **options, resume=True).train()


def test_how_a_student_is_tested_may_be_changed_when_its_training_is_resumed(done):
    resume(done, **{'model.student.config.head.topk': (1, 2)})


def test_how_files_are_read_may_be_changed_when_a_training_is_resumed(done):
    reads = [dict(LOADED, backend_args=dict(backend='local')), dict(type='PackInputs')]
    resume(done, **{'train_dataloader.dataset.pipeline': reads, 'train_dataloader.num_workers': 1})


def test_defaults_written_out_are_no_other_training(done):
    resume(done, **{'optim_wrapper.accumulative_counts': 1, 'model.warmup_iters': 0})


def test_a_finished_run_whose_config_is_the_same_ends_at_once_and_says_so(done, warnings):
    resume(done)
    lines = [line for line in warnings.messages if 'nothing left to train' in line]
    assert len(lines) == 1 and lines[0].endswith("epoch_2.pth' is of epoch 2, train_cfg.max_epochs=2")


def test_a_longer_run_goes_on_also_from_a_checkpoint_that_says_nothing_of_its_settings(job, warnings):
    path = job.work_dir / 'epoch_2.pth'
    checkpoint = read(path)
    for key in ('config', 'teachers'):
        del checkpoint['meta']['training'][key]
    torch.save(checkpoint, path)
    other = [dict(STEPS, milestones=[5])]
    resume(job, path, train_cfg=dict(max_epochs=3), param_scheduler=other)
    resume(job, job.work_dir / 'epoch_3.pth', train_cfg=dict(max_epochs=4), param_scheduler=other)
    assert len(job.losses()) == 4 + 2 + 2 and not any('nothing left' in line for line in warnings.messages)


def test_schedules_of_a_longer_run_go_on_as_if_it_had_begun_as_long(job, tmp_path):
    schedule = [dict(type='CosineAnnealingLR', T_max=4, by_epoch=True, convert_to_iter_based=True)]
    ends = {}
    for name, lengths in dict(longer=(1, 3), whole=(3,)).items():
        options = without_validation(work_dir=str(tmp_path / name), param_scheduler=schedule)
        for epochs in lengths:
            resumed = epochs == 3 and name == 'longer'
            runner_of(job, **options, resume=resumed, train_cfg=dict(max_epochs=epochs)).train()
        ends[name] = read(tmp_path / name / 'epoch_3.pth')
    longer, whole = ends.values()
    assert longer['param_schedulers'] == whole['param_schedulers']
    assert all(torch.equal(longer['state_dict'][key], value) for key, value in whole['state_dict'].items())


def test_a_schedule_that_another_length_makes_steeper_is_one_clear_error(job, tmp_path):
    poly, work_dir = [dict(type='PolyLR', by_epoch=True)], str(tmp_path / 'poly')
    options = without_validation(work_dir=work_dir, param_scheduler=poly)
    runner_of(job, **options).train()
    with pytest.raises(CheckpointError, match=r'param_scheduler\.0 over 1 steps there, 2 here \(max_epochs\)'):
        runner_of(job, **options, resume=True, train_cfg=dict(max_epochs=3)).train()


def test_averaged_weights_are_not_trained_on_without_their_hook(job):
    path = job.work_dir / 'epoch_2.pth'
    torch.save(dict(read(path), ema_state_dict={}), path)  # with it `state_dict` holds the averages
    with pytest.raises(CheckpointError, match=r'averaged weights there \(EMAHook\), none here'):
        resume(job, path)


def test_weights_that_are_averaged_otherwise_are_one_clear_error(job, tmp_path):
    def averaged(momentum):
        return [*Config.fromfile(job.config).custom_hooks, dict(type='EMAHook', momentum=momentum)]

    with pytest.raises(CheckpointError, match=r'EMAHook\.momentum not set there, 0\.1 here'):
        resume(job, custom_hooks=averaged(0.1))
    options = without_validation(work_dir=str(tmp_path / 'averaged'))
    runner_of(job, **options, custom_hooks=averaged(0.1)).train()
    with pytest.raises(CheckpointError, match=r'EMAHook\.momentum 0\.1 there, 0\.2 here'):
        runner_of(job, **options, custom_hooks=averaged(0.2), resume=True).train()


def test_a_hook_of_a_training_that_is_taken_out_is_one_clear_error(job):
    hooks = [hook for hook in Config.fromfile(job.config).custom_hooks if hook['type'] != 'mmdualkd.EpochSeedHook']
    with pytest.raises(CheckpointError, match="EpochSeedHook.type 'EpochSeedHook' there, not set here"):
        resume(job, custom_hooks=hooks)


def test_another_batch_is_one_clear_error_in_a_loop_without_epochs_too(done, tmp_path):
    def train(**options):
        loop = dict(train_cfg=dict(_delete_=True, by_epoch=False, max_iters=1), param_scheduler=None)
        options |= {'train_dataloader.sampler.type': 'InfiniteSampler', 'default_hooks.checkpoint.by_epoch': False}
        runner_of(done, **without_validation(work_dir=str(tmp_path / 'endless'), **loop, **options)).train()

    train()
    with pytest.raises(CheckpointError, match='batches of 4 samples there, of 2 here'):
        train(resume=True, **{'train_dataloader.batch_size': 2})


def test_what_counts_validations_is_told_of_for_a_resume_forgets_some(job, warnings):
    stopping = dict(type='EarlyStoppingHook', monitor='accuracy/top1', rule='greater')
    resume(job, custom_hooks=[*runner_of(job).cfg.custom_hooks, stopping])
    assert 'resume: EarlyStoppingHook does not know all validations before the checkpoint' in warnings.text


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
    damaged = rf"^resume: '{newest}' is not a checkpoint that torch can read as weights: it is "
    instead = rf"; resume from '{job.work_dir}/epoch_1\.pth' instead$"
    with pytest.raises(CheckpointError, match=f'{damaged}cut short{instead}'):
        resume(job)
    with zipfile.ZipFile(newest, 'w') as file:
        file.writestr('readme.txt', 'hello')
    with pytest.raises(CheckpointError, match=f'{damaged}damaged, or another kind of zip file{instead}'):
        resume(job)
    cut(job.work_dir / 'epoch_1.pth')
    record = job.work_dir / 'last_checkpoint'
    with pytest.raises(CheckpointError, match=rf"; no other .* can be resumed: remove '{record}' to begin anew$"):
        resume(job)
    record.unlink()
    resume(job)
    assert record.is_file() and 'optimizer' in read(newest)


def test_a_file_that_is_not_there_is_named_with_the_nearest(job):
    with pytest.raises(CheckpointError, match=rf"no file '.*epoch_12\.pth'; resume from '{job.work_dir}/epoch_2\.pth'"):
        resume(job, job.work_dir / 'epoch_12.pth')


@pytest.mark.parametrize(
    ('record', 'fault'),
    [
        (b'/gone/epoch_3.pth', 'there is no file'),
        (b'', 'last_checkpoint. names no checkpoint: it is empty'),
        (b'\xff\x00', 'last_checkpoint. names no checkpoint: it is no text'),
    ],
    ids=['elsewhere', 'empty', 'binary'],
)
def test_a_last_checkpoint_that_names_no_file_is_an_error_that_names_one(job, record, fault):
    (job.work_dir / 'last_checkpoint').write_bytes(record)
    with pytest.raises(CheckpointError, match=rf"{fault}.*; resume from '{job.work_dir}/epoch_2\.pth' instead$"):
        resume(job)


def test_a_copy_of_a_work_directory_goes_on_from_its_own_checkpoint_and_says_so(done, job, warnings):
    path = job.work_dir / 'epoch_2.pth'
    checkpoint = read(path)
    checkpoint['meta']['epoch'] = 1  # unlike the original's
    torch.save(checkpoint, path)
    resume(job)
    lines = [line for line in warnings.messages if 'in another folder' in line]
    assert len(lines) == 1 and str(done.work_dir) in lines[0] and lines[0].endswith(f'goes on from {path}')
    assert not any('nothing left to train' in line for line in warnings.messages)
    warnings.clear()
    resume(job)
    assert not any('in another folder' in line for line in warnings.messages)  # its own is named now


def test_a_training_that_begins_beside_the_best_checkpoint_of_another_says_whose_it_is(job, warnings):
    best = job.work_dir / 'best_accuracy_top1_epoch_1.pth'
    shutil.copy(job.work_dir / 'epoch_1.pth', best)
    resume(job)
    assert not any('is of an earlier training' in line for line in warnings.messages)
    runner_of(job, **without_validation(work_dir=str(job.work_dir), train_cfg=dict(max_epochs=1))).train()
    assert sum(f'{best} is of an earlier training' in line for line in warnings.messages) == 1


def test_a_folder_is_an_error_that_names_a_checkpoint_in_it(job):
    with pytest.raises(CheckpointError, match=rf"is a folder; .*; resume from '{job.work_dir}/epoch_2\.pth' instead$"):
        resume(job, job.work_dir)


def test_a_run_is_resumed_from_an_address(job, monkeypatch, tmp_path):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'cache'))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(job.work_dir))
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f'http://127.0.0.1:{server.server_address[1]}/epoch_1.pth'
    resume(job, address)
    server.shutdown()
    server.server_close()
    assert len(job.losses()) == 4 + 2
    with pytest.raises(CheckpointError, match=rf"^resume='{address[:-4]}2\.pth' cannot be downloaded: .*refused"):
        resume(job, f'{address[:-4]}2.pth')
    with pytest.raises(CheckpointError, match=r"^resume: 's3://b/epoch_2\.pth' is no file, and of addresses only http"):
        resume(job, 's3://b/epoch_2.pth')


def test_without_last_checkpoint_a_trainings_checkpoints_are_never_overwritten(job):
    (job.work_dir / 'last_checkpoint').unlink()
    cut(job.work_dir / 'epoch_2.pth')
    message = (
        rf"no last_checkpoint, but checkpoints .*\(the newest is '{job.work_dir}/epoch_1\.pth'\), or begin anew in"
    )
    with pytest.raises(CheckpointError, match=message):
        resume(job)


def test_nothing_to_resume_is_said_in_a_line_of_its_own_and_training_begins(job, warnings):
    for path in ('last_checkpoint', 'epoch_1.pth', 'epoch_2.pth'):
        (job.work_dir / path).unlink()
    resume(job, train_cfg=dict(max_epochs=1))
    lines = [line for line in warnings.messages if 'nothing to resume' in line]
    assert len(lines) == 1 and lines[0].endswith('has no last_checkpoint; training begins anew')
    assert len(job.losses()) == 4 + 2


def test_parameters_in_another_order_are_found_for_an_optimizer_knows_them_by_their_places():
    there = dict.fromkeys(('student.w', 'student.mean', 'terms.kd.w', 'terms.f.w'))
    here = dict.fromkeys(('student.w', 'student.mean', 'terms.f.w', 'terms.kd.w'))
    parameters = ['student.w', 'terms.f.w', 'terms.kd.w']
    assert other_order(there, there, parameters) == []
    assert 'from terms.kd.w on, in another order' in other_order(there, here, parameters)[0]
