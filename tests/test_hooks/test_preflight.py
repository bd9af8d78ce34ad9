"""Mistakes that are known before the first step, through tools/train.py."""

import pytest
from distill_jobs import distill_job
from helpers import TOOLS, run

MISTAKES = {
    'a label outside the range': (
        "train_dataloader['dataset'].update(ann_file=ANN)\n",
        'class0_0.avi 0\nclass1_0.avi 2\n',
        r'class1_0.avi has label 2, but the model has 2 classes (0 to 1)',
    ),
    'another number of classes': (
        "train_dataloader['dataset'].update(num_classes=51)\n",
        '',
        'has num_classes=51, but the model has 2: set model.num_classes',
    ),
    'an empty annotation file': (
        "train_dataloader['dataset'].update(type='mmdualkd.VideoDataset', ann_file=ANN)\n",
        '\n',
        'is empty',
    ),
    'views that differ': (
        "train_pipeline[1] = dict(type='mmdualkd.SampleViews', views=dict(views, vit=dict(clip_len=4, size=32)))\n",
        '',
        'the train pipeline samples the views',
    ),
    'no views': ("train_pipeline[1] = dict(type='SampleFrames', clip_len=8)\n", '', 'put it in place of SampleFrames'),
    'a view longer than clip_len': (
        "train_pipeline[1] = dict(type='mmdualkd.SampleViews', views=views, clip_len=6)\n",
        '',
        'views.student asks for 7 frames (4 at an interval of 2), more than clip_len=6 allows',
    ),
}


@pytest.mark.parametrize('mistake', MISTAKES)
def test_a_mistake_ends_in_one_clear_line_before_training(mistake, tmp_path):
    extra, annotation, message = MISTAKES[mistake]
    path = tmp_path / 'annotation.txt'
    path.write_text(annotation)
    job = distill_job(tmp_path / 'job', extra.replace('ANN', repr(str(path))), epochs=1)
    output = run(TOOLS / 'train.py', job.config, ok=False)
    last = output.strip().splitlines()[-1]
    assert 'Error: ' in last and message in last, output[-3000:]
    assert not (job.work_dir / 'losses_0.json').exists()


def test_classes_without_a_clip_are_mentioned_and_do_no_harm(tmp_path):
    path = tmp_path / 'annotation.txt'
    path.write_text('class0_0.avi 0\nclass0_1.avi 0\n')
    job = distill_job(tmp_path / 'job', f"train_dataloader['dataset'].update(ann_file={str(path)!r})\n", epochs=1)
    assert 'has clips of 1 of the 2 classes' in run(TOOLS / 'train.py', job.config, '--no-validate')
