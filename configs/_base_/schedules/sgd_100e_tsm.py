# The model zoo's recipe of TSM-MobileNetV2 on Kinetics-400: SGD 2e-2 at 8 GPUs of 16 clips, steps at epochs 40 and 80.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=100, val_begin=1, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

param_scheduler = [dict(type='MultiStepLR', begin=0, end=100, by_epoch=True, milestones=[40, 80], gamma=0.1)]
optim_wrapper = dict(
    # the rates of TSMOptimWrapperConstructor(fc_lr5=True), which would take a term's layer for the classifier
    paramwise_cfg=dict(
        bias_lr_mult=2,
        bias_decay_mult=0,
        norm_decay_mult=0,
        custom_keys={
            'cls_head.fc_cls.weight': dict(lr_mult=5),
            'cls_head.fc_cls.bias': dict(lr_mult=10, decay_mult=0),
        },
    ),
    optimizer=dict(type='SGD', lr=2e-2, momentum=0.9, weight_decay=2e-5),
    clip_grad=dict(max_norm=20, norm_type=2),
)
auto_scale_lr = dict(enable=False, base_batch_size=128)
