train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=30, val_interval=30)
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=1e-2, weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
    clip_grad=dict(max_norm=5.0),
)
param_scheduler = dict(
    type='OneCycleLR', eta_max=1e-2, total_steps=30, pct_start=0.2, by_epoch=True, convert_to_iter_based=True
)
auto_scale_lr = dict(enable=False, base_batch_size=8)
