# HMDB51 as it is published: the mean of its three splits, each with teachers that learned from its own training clips.
# Top-1 is of the last validation, one clip a video; papers test on ten: tools/test.py with student_epoch_50.pth.
# Data as MMAction2's tools/data/hmdb51 makes them, see configs/README.md. We have not the data: nobody has run it yet.
title = 'HMDB51, the mean of its three splits.'
seeds = [0]
against = ['Student alone', 'KD from the ViT']


def lists(split):
    """The options that put a split's lists of videos in place of the config's."""
    places = {name: f'data/hmdb51/hmdb51_{name}_split_{split}_videos.txt' for name in ('train', 'val')}
    parts = dict(train='train', val='val', test='val')
    return {f'{part}_dataloader.dataset.ann_file': places[name] for part, name in parts.items()}


splits = {f'split {number}': dict(name=f'split{number}', options=lists(number)) for number in (1, 2, 3)}
place = 'work_dirs/hmdb51/{name}-'
teachers = [
    dict(
        name='Teacher ViT',
        config='configs/teachers/hmdb51/mvitv2-s_8xb4-16x4x1-50e_hmdb51-rgb.py',
        options={'optim_wrapper.accumulative_counts': 8},  # its name has eight GPUs, a study's trainings one
        work_dir=place + 'vit',
    ),
    dict(
        name='Teacher CNN',
        config='configs/teachers/hmdb51/x3d-m_1xb8-16x5x1-50e_hmdb51-rgb.py',
        work_dir=place + 'cnn',
    ),
]
weights = {f'model.teachers.{role}.checkpoint': f'{place}{role}/epoch_50.pth' for role in ('vit', 'cnn')}


def row(name, terms):
    """The pair with a fragment of configs/_base_/terms, and the teachers of its split."""
    config = 'configs/dualkd/hmdb51/dualkd_mvitv2-s-x3d-m_x3d-s_1xb8-13x6x1-50e_hmdb51-rgb.py'
    return dict(name=name, config=config, options={'terms': terms, **weights})


rows = [
    dict(name='Student alone', config='configs/baselines/hmdb51/x3d-s_1xb8-13x6x1-50e_hmdb51-rgb.py'),
    row('KD from the ViT', 'kd'),
    row('DATW', 'datw'),
    row('Full method', 'full'),
]
