# How long students and teachers alone gain on real video from scratch; what real_video.py trains them for.
_base_ = 'real_video.py'
title = 'UT-Interaction and Weizmann, models alone, by their epochs.'
seeds = [0]
views = None
against = ['Student, 240 epochs']


def trained_for(epochs):
    """A warm-up of a fifth, then a cosine, as in the configs."""
    return {
        'train_cfg.max_epochs': epochs,
        'train_cfg.val_interval': epochs,
        'param_scheduler.0.end': epochs // 5,
        'param_scheduler.1.begin': epochs // 5,
        'param_scheduler.1.T_max': epochs - epochs // 5,
        'param_scheduler.1.end': epochs,
    }


models = {'Student': _base_.alone, 'CNN teacher': _base_.cnn, 'ViT teacher': _base_.vit}
teachers = []
rows = [
    dict(name=f'{model}, {epochs} epochs', config=config, options=trained_for(epochs))
    for model, config in models.items()
    for epochs in (60, 120, 240, 480)
]
