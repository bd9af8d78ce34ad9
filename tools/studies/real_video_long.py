# The rows of real_video.py that matter most, trained twice as long: the student alone still gains after 240 epochs, see
# real_video_baselines.py. Teachers are those of real_video.py, which comes first.
_base_ = 'real_video.py'
title = 'UT-Interaction and Weizmann, students of 480 epochs.'
against = ['Student alone']
teachers = []
longer = {
    'train_cfg.max_epochs': 480,
    'train_cfg.val_interval': 480,
    'param_scheduler.0.end': 96,
    'param_scheduler.1.begin': 96,
    'param_scheduler.1.T_max': 384,
    'param_scheduler.1.end': 480,
}
rows = [
    dict(name='Student alone', config=_base_.alone, options=longer),
    dict(name='KD from the CNN', config='configs/kd/{folder}/kd_resnet3d18-w16_' + _base_.student, options=longer),
    dict(name='Full method', config=_base_.dualkd, options=longer),
]
