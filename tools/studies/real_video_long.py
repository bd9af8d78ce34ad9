# Weizmann once more with three times the students' schedule: 40 epochs leave them far from done.
_base_ = './real_video.py'

title = 'Weizmann, students trained for 120 epochs.'
splits = {
    '_delete_': True,
    **{f'Weizmann fold {n}': dict(folder='weizmann', name=f'weizmann-fold{n}') for n in (1, 2, 3)},
}
longer = {
    'train_cfg.max_epochs': 120,
    'train_cfg.val_interval': 120,
    'param_scheduler.0.end': 24,
    'param_scheduler.1.begin': 24,
    'param_scheduler.1.T_max': 96,
    'param_scheduler.1.end': 120,
}
rows = [
    dict(name='Student alone', config='configs/baselines/{folder}/' + _base_.student, options=longer),
    dict(name='KD from the CNN', config='configs/kd/{folder}/kd_resnet3d18-w16_' + _base_.student, options=longer),
    dict(name='Full method', config=_base_.dualkd, options=longer),
]
