# The student, distilled from both teachers on one's own videos; for the keys see _base_/datasets/videos.py.
_base_ = [
    '../../_base_/default_runtime.py',
    '../../_base_/datasets/videos.py',
    '../../_base_/schedules/sgd_50e.py',
    '../../_base_/pairs/mvitv2-s-x3d-m_x3d-s.py',
]

model = dict(
    num_classes=_base_.num_classes,
    teachers=dict(
        vit=dict(checkpoint='work_dirs/teacher_mvitv2-s_1xb4-16x4x1-50e_videos-rgb/epoch_50.pth'),
        cnn=dict(checkpoint='work_dirs/teacher_x3d-m_1xb8-16x5x1-50e_videos-rgb/epoch_50.pth'),
    ),
)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
