# UT-Interaction with each of its 20 sequences held out in turn, the other 19 of both sets trained on. Annotations come
# first: python tools/make_annotations.py data/ut-interaction --out data/annotations/ut-sequences --folds 20
#   --group-regex '/\d+_(\d+)_\d\.'
title = 'UT-Interaction, one of 20 sequences held out in turn: each clip is tested once.'
seeds = [0]
views = 20
against = ['Student alone', 'KD from the CNN']
short = {  # 120 epochs of 14 steps: as many as 240 of the 60 clips in real_video.py; each video is decoded once for all
    'train_dataloader.dataset.pipeline.0.type': 'mmdualkd.DecordInit',
    'train_dataloader.dataset.pipeline.0.keep_in': 'work_dirs/ut-sequences/frames',
    'train_cfg.max_epochs': 120,
    'train_cfg.val_interval': 120,
    'param_scheduler.0.end': 24,
    'param_scheduler.1.begin': 24,
    'param_scheduler.1.T_max': 96,
    'param_scheduler.1.end': 120,
}


def lists(fold):
    """The options that put a fold's lists of clips in place of the config's."""
    parts = dict(train='train', val='val', test='val')
    place = 'data/annotations/ut-sequences'
    return {f'{part}_dataloader.dataset.ann_file': f'{place}/fold{fold}_{name}.txt' for part, name in parts.items()}


splits = {f'fold {fold}': dict(name=f'fold{fold}', options={**short, **lists(fold)}) for fold in range(1, 21)}
leaf = 'resnet3d18-{width}_1xb8-16x4x1-240e_ut-interaction-set1-set2-rgb.py'
student = leaf.format(width='w8')
place = 'work_dirs/ut-sequences/{name}-'
teachers = [
    dict(
        name='Teacher CNN',
        config='configs/teachers/ut_interaction/' + leaf.format(width='w16'),
        work_dir=place + 'cnn',
    ),
    dict(
        name='Teacher ViT',
        config='configs/teachers/ut_interaction/' + leaf.format(width='w32').replace('resnet3d18', 'uniformer'),
        work_dir=place + 'vit',
    ),
]


def row(name, config, *roles, **options):
    """A row whose teachers are those of its fold."""
    weights = {f'model.teachers.{role}.checkpoint': f'{place}{role}/epoch_120.pth' for role in roles}
    return dict(name=name, config=f'configs/{config}{student}', options={**weights, **options})


pair = 'dualkd/ut_interaction/dualkd_uniformer-w32-resnet3d18-w16_'
rows = [
    row('Student alone', 'baselines/ut_interaction/'),
    row('KD from the CNN', 'kd/ut_interaction/kd_resnet3d18-w16_', 'cnn'),
    row('KD from the ViT', 'kd/ut_interaction/kd_uniformer-w32_', 'vit'),
    row('DATW', pair, 'vit', 'cnn', terms='datw'),
    row('Full method', pair, 'vit', 'cnn'),
    row('Full method and hints', pair, 'vit', 'cnn', terms='full_hints'),
]
