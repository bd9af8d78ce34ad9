_base_ = [
    '../../_base_/default_runtime.py',
    '../../_base_/datasets/hmdb51.py',
    '../../_base_/schedules/sgd_50e.py',
    '../../_base_/pairs/mvitv2-s-x3d-m_x3d-s.py',
]

model = dict(
    num_classes=_base_.num_classes,
    teachers=dict(
        vit=dict(checkpoint='work_dirs/mvitv2-s_8xb4-16x4x1-50e_hmdb51-rgb/epoch_50.pth'),
        cnn=dict(checkpoint='work_dirs/x3d-m_1xb8-16x5x1-50e_hmdb51-rgb/epoch_50.pth'),
    ),
)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
