# HMDB51 recipe of the earlier public code of the method's authors: SGD 1e-3 at 8 clips, steps at epochs 20 and 40.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=50, val_begin=1, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

param_scheduler = [dict(type='MultiStepLR', begin=0, end=50, by_epoch=True, milestones=[20, 40], gamma=0.1)]
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=5e-4), clip_grad=dict(max_norm=40, norm_type=2)
)
auto_scale_lr = dict(enable=False, base_batch_size=8)
