"""Weights that have learned from the clips that judge the student."""

import torch
from commands import texts
from distill_jobs import distill_job
from helpers import write_clips

OTHER = """
other = dict(ann_file={annotation!r}, data_prefix=dict(video={videos!r}))
val_dataloader['dataset'].update(other)
test_dataloader = val_dataloader
"""
LEARNED = """
train_dataloader = dict(
    batch_size=-2,
    dataset=dict(type='RepeatDataset', times=2, dataset=dict(
        type='VideoDataset', ann_file={list!r}, data_prefix=dict(video={videos!r}))))
"""


def test_a_teacher_that_has_learned_the_clips_that_judge_the_student_is_an_error(tmp_path, check):
    annotation = write_clips(tmp_path / 'other', frames=14)
    job = distill_job(tmp_path / 'job', OTHER.format(annotation=str(annotation), videos=str(annotation.parent)))
    learned = LEARNED.format(list=str(annotation), videos=str(annotation.parent))
    for name, text in (('vit', learned), ('cnn', '')):
        path = tmp_path / 'job' / f'{name}.pth'
        torch.save({**torch.load(path, weights_only=True), 'meta': dict(cfg=text)}, path)
    code, found = check(job.config)
    text = texts(found, 'error', 'learned')
    assert code == 1 and text.count('has learned from 8 of the 8') == 2 and 'val samples' in text
    assert 'model.teachers.vit.checkpoint=' in text and 'cnn' not in text
