_base_ = ['_base_/clips.py', '_base_/teacher_schedule.py']

data_root = 'work_dirs/demo/teacher_clips'
model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='VisionTransformer',
        img_size=48,
        patch_size=8,
        embed_dims=96,
        depth=5,
        num_heads=3,
        num_frames=8,
        tubelet_size=2,
        return_feat_map=False,
    ),
    cls_head=dict(type='TimeSformerHead', num_classes=10, in_channels=96, average_clips='prob'),
    data_preprocessor=dict(
        type='ActionDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        format_shape='NCTHW',
    ),
)
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = dict(eta_max=1e-3)
