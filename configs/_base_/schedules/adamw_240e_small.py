# Ours, for small real data from scratch: a warm-up of 48 epochs, then a cosine to epoch 240.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=240, val_begin=1, val_interval=240)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

param_scheduler = [
    dict(type='LinearLR', start_factor=0.04, by_epoch=True, begin=0, end=48, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', T_max=192, eta_min=0, by_epoch=True, begin=48, end=240, convert_to_iter_based=True),
]
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=5e-3, weight_decay=0.05), clip_grad=dict(max_norm=5, norm_type=2))
auto_scale_lr = dict(enable=False, base_batch_size=8)
