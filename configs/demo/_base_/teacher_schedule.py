# Teachers see many more labelled clips than the student: tools/make_demo_teachers.py makes them and trains.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=8, val_interval=2)
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = dict(
    type='OneCycleLR', eta_max=2e-3, total_steps=8, pct_start=0.15, by_epoch=True, convert_to_iter_based=True
)
auto_scale_lr = dict(enable=False, base_batch_size=32)
