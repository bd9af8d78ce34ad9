_base_ = '../../_base_/recipes/pictures_teacher.py'

model = _base_.swin_w24
# From few pictures it learns slower than the CNN, which 20 epochs serve.
train_cfg = dict(max_epochs=60, val_interval=60)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.04, by_epoch=True, begin=0, end=3, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', T_max=57, eta_min=0, by_epoch=True, begin=3, end=60, convert_to_iter_based=True),
]
