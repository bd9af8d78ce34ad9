# grid_unlabelled.py with as many steps as all clips with labels have in grid_rivals.py, and the full method of the
# labelled clips alone beside it. Annotations and teachers come first, see there.
_base_ = 'grid_unlabelled.py'
title = 'GRID words, a tenth of the labels, the other clips without one, 7,400 steps.'
views = 10
labelled = {
    **_base_.labelled,
    'train_cfg.max_epochs': 309,  # of 24 steps
    'train_cfg.val_interval': 309,
    'param_scheduler.0.end': 20,  # as many steps of warm-up as 2 epochs of all clips have
    'param_scheduler.1.begin': 20,
    'param_scheduler.1.T_max': 289,
    'param_scheduler.1.end': 309,
}
all_clips = {**_base_.labels, **_base_.lengths['30 epochs']}  # of 247 steps
rows = [
    dict(name='Student alone', config=_base_.student, options=labelled),
    dict(name='Full method, labelled clips', config=_base_.dualkd, options={**labelled, 'terms': 'full'}),
    *(
        dict(name=name, config=_base_.dualkd, options={**all_clips, 'terms': terms})
        for name, terms in {'KD from the ViT': 'kd', 'DATW': 'datw', 'Full method': 'full'}.items()
    ),
]
