# Ours, for a CNN that starts from its ImageNet weights: SGD 5e-3 at 32 pictures, 2 epochs of warm-up, then a cosine.
train_cfg = dict(by_epoch=True, max_epochs=30, val_interval=1)
val_cfg = dict()
test_cfg = dict()

param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=2, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', T_max=28, eta_min=0, by_epoch=True, begin=2, end=30, convert_to_iter_based=True),
]
optim_wrapper = dict(optimizer=dict(type='SGD', lr=5e-3, momentum=0.9, weight_decay=1e-4), clip_grad=dict(max_norm=5.0))
auto_scale_lr = dict(enable=False, base_batch_size=32)
