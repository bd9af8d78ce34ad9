# How long the student alone gains on GRID words, for each share of the labels; what grid_rivals.py trains it for.
# Annotations come first, see configs/README.md.
title = 'GRID words, the student alone, by the share of the 3,955 clips that it learns from and by its epochs.'
seeds = [0, 1, 2]
student = 'configs/baselines/grid_words/resnet3d18-w8_1xb16-16x1x1-15e_grid-words-rgb.py'


every = {
    'train_dataloader.dataset.indices': None,  # in place of the config's every third
    'train_dataloader.dataset.pipeline.0.type': 'mmdualkd.DecordInit',  # which decodes each clip once for all trainings
    'train_dataloader.dataset.pipeline.0.keep_in': 'work_dirs/grid-words/frames',
}
part = {**every, 'train_dataloader.dataset.unlabelled': 'drop'}
shares = {
    'labels-10': {**part, 'train_dataloader.dataset.labelled_fraction': 0.1},
    'labels-40': {**part, 'train_dataloader.dataset.labelled_fraction': 0.4},
    'labels-100': every,
}
lengths = {  # a warm-up of 2 epochs as in the config, then its cosine
    f'{number} epochs': {
        'train_cfg.max_epochs': number,
        'train_cfg.val_interval': number,
        'param_scheduler.1.T_max': number - 2,
        'param_scheduler.1.end': number,
    }
    for number in (15, 30, 60, 120)
}
splits = {
    '10 % of the labels': dict(name='labels-10', options=shares['labels-10']),
    '40 % of the labels': dict(name='labels-40', options=shares['labels-40']),
    'all labels': dict(name='labels-100', options=shares['labels-100']),
}
rows = [dict(name=name, config=student, options=length) for name, length in lengths.items()]
