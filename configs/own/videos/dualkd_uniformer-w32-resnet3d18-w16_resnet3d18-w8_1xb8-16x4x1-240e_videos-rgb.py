# A small student, distilled from small teachers on one's own videos; for the keys see _base_/datasets/videos.py.
_base_ = [
    '../../_base_/default_runtime.py',
    '../../_base_/datasets/videos.py',
    '../../_base_/schedules/adamw_240e_small.py',
    '../../_base_/pairs/uniformer-w32-resnet3d18-w16_resnet3d18-w8.py',
]

model = dict(
    num_classes=_base_.num_classes,
    teachers=dict(
        vit=dict(checkpoint='work_dirs/teacher_uniformer-w32_1xb8-16x4x1-240e_videos-rgb/epoch_240.pth'),
        cnn=dict(checkpoint='work_dirs/teacher_resnet3d18-w16_1xb8-16x4x1-240e_videos-rgb/epoch_240.pth'),
    ),
)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
