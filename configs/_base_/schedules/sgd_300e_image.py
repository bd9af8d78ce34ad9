# CIFAR-100 recipe published for CNN students: SGD 0.05 at 1024 pictures, 3 epochs of warm-up, a cosine to 1e-3.
train_cfg = dict(by_epoch=True, max_epochs=300, val_interval=1)
val_cfg = dict()
test_cfg = dict()

param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=True, begin=0, end=3, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        T_max=297,
        eta_min=1e-3,
        by_epoch=True,
        begin=3,
        end=300,
        convert_to_iter_based=True,
    ),
]
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=2e-3))
auto_scale_lr = dict(enable=False, base_batch_size=1024)
