_base_ = [
    '../../_base_/default_runtime.py',
    '../../_base_/datasets/hmdb51.py',
    '../../_base_/schedules/sgd_50e.py',
    '../../_base_/pairs/swin-t-tsm-r50_tsm-mobilenetv2.py',
]

model = dict(
    num_classes=_base_.num_classes,
    teachers=dict(
        vit=dict(checkpoint='work_dirs/swin-t_8xb4-32x2x1-50e_hmdb51-rgb/epoch_50.pth'),
        cnn=dict(checkpoint='work_dirs/tsm-r50_1xb8-1x1x8-50e_hmdb51-rgb/epoch_50.pth'),
    ),
)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
