# What the clips without a label are worth on GRID words: a tenth of the labels, the teachers answer for all clips.
# As many steps in each row. Annotations and teachers come first, see grid_rivals.py.
_base_ = 'grid_rivals.py'
title = 'GRID words, a tenth of the labels, the other clips without one.'
views = 3
against = ['Student alone', 'KD from the ViT']
labels = {**_base_.every, 'train_dataloader.dataset.labelled_fraction': 0.1}
labelled = {
    **labels,
    **_base_.lengths['120 epochs'],
    'train_dataloader.dataset.unlabelled': 'drop',
    'train_dataloader.dataset.num_views': 10,  # as in grid_rivals.py: its clips are few
}
all_clips = {
    **labels,
    'train_cfg.max_epochs': 12,  # of 247 steps, where the labelled clips alone have 120 of 24
    'train_cfg.val_interval': 12,
    'param_scheduler.1.T_max': 10,
    'param_scheduler.1.end': 12,
}
splits = {'_delete_': True, 'a tenth of the labels': dict(name='labels-10')}
rows = [
    dict(name='Student alone', config=_base_.student, options=labelled),
    *(
        dict(name=name, config=_base_.dualkd, options={**all_clips, 'terms': terms})
        for name, terms in {'KD from the ViT': 'kd', 'DATW': 'datw', 'Full method': 'full'}.items()
    ),
]
