# Ours, for few small pictures from scratch: a warm-up of 3 epochs, then a cosine to epoch 20.
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=20)
val_cfg = dict()
test_cfg = dict()

param_scheduler = [
    dict(type='LinearLR', start_factor=0.04, by_epoch=True, begin=0, end=3, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', T_max=17, eta_min=0, by_epoch=True, begin=3, end=20, convert_to_iter_based=True),
]
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05), clip_grad=dict(max_norm=5.0))
auto_scale_lr = dict(enable=False, base_batch_size=32)
