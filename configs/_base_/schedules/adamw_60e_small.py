# Ours, for small real data from scratch: 60 epochs of one cycle.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=60, val_begin=1, val_interval=20)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

param_scheduler = [
    dict(type='OneCycleLR', eta_max=5e-3, total_steps=60, pct_start=0.2, by_epoch=True, convert_to_iter_based=True)
]
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=5e-3, weight_decay=0.05), clip_grad=dict(max_norm=5, norm_type=2))
