"""Students beside checkpoints, files that appear whole or not at all, and files of others that stay."""

import os
import resource
from pathlib import Path

import pytest
import torch
from helpers import full_disk
from jobs import read
from mmengine.fileio import get_file_backend
from mmengine.hooks import checkpoint_hook
from picture_jobs import cut, picture_job, runner_of, without_validation

from mmdualkd.errors import CheckpointError
from mmdualkd.files import PART, remove_parts, replacing
from mmdualkd.hooks import StudentCheckpointHook
from mmdualkd.hooks.student_checkpoint import _Removals

KEEP_ONE = "default_hooks['checkpoint'].update(max_keep_ckpts=1, save_best='auto')\n"


def test_a_run_killed_while_it_wrote_a_checkpoint_resumes_to_the_same_student(tmp_path):
    whole, killed = (picture_job(tmp_path / name, epochs=3) for name in ('whole', 'killed'))
    runner_of(whole, **without_validation()).train()
    runner_of(killed, **without_validation()).train()
    folder = killed.work_dir
    for name in ('student_epoch_2.pth', 'epoch_3.pth', 'student_epoch_3.pth'):
        (folder / name).unlink()
    cut(folder / 'epoch_2.pth')  # as an MMEngine without our cure leaves it
    (folder / f'epoch_2.pth{PART}').write_bytes(b'half')
    (folder / 'last_checkpoint').write_text(str(folder / 'epoch_1.pth'))
    runner_of(killed, **without_validation(resume=True)).train()
    names = {path.name for path in folder.glob('*epoch*')}
    assert names == {f'{kind}epoch_{number}.pth' for kind in ('', 'student_') for number in (1, 2, 3)}
    a, b = (read(job.work_dir / 'student_epoch_3.pth')['state_dict'] for job in (whole, killed))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_files_that_training_did_not_save_are_neither_read_nor_converted_nor_removed(tmp_path):
    job = picture_job(tmp_path, KEEP_ONE, epochs=1)
    job.work_dir.mkdir()
    others = {'student_final.pth': b'mine', 'my_teacher.pth': b'broken', 'student_epoch_7.pth': b'its big one is gone'}
    for name, content in others.items():
        (job.work_dir / name).write_bytes(content)
    runner_of(job).train()
    for name, content in others.items():
        assert (job.work_dir / name).read_bytes() == content
    assert not (job.work_dir / 'student_my_teacher.pth').exists()


def test_students_go_with_the_checkpoints_that_training_removes(tmp_path):
    job = picture_job(tmp_path, KEEP_ONE, epochs=3)
    runner_of(job).train()
    names = {path.name for path in job.work_dir.glob('*.pth')}
    assert 'epoch_3.pth' in names and len(names) == 4
    assert {name for name in names if name.startswith('student_')} == {
        f'student_{name}' for name in names if not name.startswith('student_')
    }


def test_a_run_that_is_resumed_into_another_folder_leaves_the_best_checkpoint_of_the_first(tmp_path):
    job = picture_job(tmp_path, KEEP_ONE, epochs=2)
    runner_of(job, train_cfg=dict(max_epochs=1)).train()
    first = {path.name: path.read_bytes() for path in job.work_dir.glob('*.pth')}
    state = read(job.work_dir / 'epoch_1.pth')
    state['message_hub']['runtime_info']['best_score'] = -1.0  # whatever comes is better
    torch.save(state, job.work_dir / 'epoch_1.pth')
    other = tmp_path / 'other'
    runner_of(job, resume=True, load_from=str(job.work_dir / 'epoch_1.pth'), work_dir=str(other)).train()
    assert {path.name for path in job.work_dir.glob('*.pth')} == set(first) and len(first) == 4
    assert any(path.name.startswith('best_') for path in other.glob('*.pth'))


def test_a_full_disk_is_one_clear_error_and_the_last_checkpoint_stays_though_only_one_is_kept(tmp_path):
    job = picture_job(tmp_path, KEEP_ONE, epochs=2)
    runner = runner_of(job, **without_validation())
    runner.register_hook(FullDisk())
    message = r"epoch_2\.pth' cannot be written: .*; what was there before stays"
    with full_disk(resource.RLIM_INFINITY), pytest.raises(CheckpointError, match=message):
        runner.train()
    assert {path.name for path in job.work_dir.glob('*epoch*')} == {'epoch_1.pth', 'student_epoch_1.pth'}
    assert Path((job.work_dir / 'last_checkpoint').read_text()) == job.work_dir / 'epoch_1.pth'
    runner_of(job, **without_validation(resume=True)).train()
    assert {path.name for path in job.work_dir.glob('*epoch*')} == {'epoch_2.pth', 'student_epoch_2.pth'}


class FullDisk(StudentCheckpointHook):
    """The disk is full from the second epoch on."""

    priority = 'VERY_LOW'

    def before_train(self, runner):
        pass

    def before_save_checkpoint(self, runner, checkpoint):
        if runner.epoch == 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def test_a_student_that_an_earlier_run_did_not_get_to_write_is_written_by_the_next(tmp_path):
    job = picture_job(tmp_path, epochs=2)
    runner_of(job, **without_validation(train_cfg=dict(max_epochs=1))).train()
    student = job.work_dir / 'student_epoch_1.pth'
    before = read(student)['state_dict']
    student.unlink()
    runner_of(job, **without_validation(resume=True)).train()
    after = read(student)['state_dict']
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_file_is_replaced_whole_or_stays_and_left_overs_are_removed(tmp_path):
    path, link = tmp_path / 'a.pth', tmp_path / 'link.pth'
    path.write_bytes(b'old')
    link.symlink_to(path)
    with pytest.raises(ZeroDivisionError), replacing(path) as part:
        part.write_bytes(b'new')
        _ = 1 / 0
    with full_disk(2), pytest.raises(CheckpointError, match=r"a\.pth' cannot be written: "), replacing(path) as part:
        part.write_bytes(b'new')
    assert path.read_bytes() == b'old' and len(list(tmp_path.iterdir())) == 2
    with replacing(link) as part:
        part.write_bytes(b'new')
    assert path.read_bytes() == b'new' and link.is_symlink()
    with full_disk(2), pytest.raises(CheckpointError), checkpoint_hook.open(path, 'w') as file:  # its last_checkpoint
        file.write('epoch_2.pth')
    assert path.read_bytes() == b'new'
    os.mkfifo(tmp_path / 'pipe')
    with pytest.raises(CheckpointError, match=r"pipe' is no file"), replacing(tmp_path / 'pipe'):  # nor a device: --out
        pass
    (tmp_path / 'pipe').unlink()
    (tmp_path / f'b.pth{PART}').write_bytes(b'')
    (tmp_path / 'mine.part').write_bytes(b'')
    remove_parts(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {'a.pth', 'link.pth', 'mine.part'}


def test_a_checkpoint_that_is_saved_again_under_its_name_stays(tmp_path):
    """A run that went back writes an epoch again, whose first file is among those to be removed."""
    saver = checkpoint_hook.CheckpointHook()
    saver.file_backend, saver.last_ckpt = get_file_backend(str(tmp_path)), str(tmp_path / 'epoch_2.pth')
    removals = _Removals(saver)
    for name in ('epoch_1.pth', 'epoch_2.pth'):
        (tmp_path / name).write_bytes(b'')
        removals.remove(str(tmp_path / name))
    removals.carry_out()
    assert [path.name for path in tmp_path.iterdir()] == ['epoch_2.pth']
