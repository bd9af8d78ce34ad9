_base_ = ['mmaction::_base_/models/slowfast_r50.py', '../pipelines/crop224.py']

model = dict(
    backbone=dict(
        resample_rate=4,
        speed_ratio=4,
        slow_pathway=dict(depth=101, fusion_kernel=7),
        fast_pathway=dict(depth=101),
    )
)
zoo_checkpoint = 'https://download.openmmlab.com/mmaction/v1.0/recognition/slowfast/slowfast_r101_8xb8-8x8x1-256e_kinetics400-rgb/slowfast_r101_8xb8-8x8x1-256e_kinetics400-rgb_20220901-9c0e09bd.pth'

train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=32, frame_interval=2),
    *_base_.train_augment,
    *_base_.pack,
]
val_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=32, frame_interval=2, test_mode=True),
    *_base_.val_crop256,
    *_base_.pack,
]
test_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=32, frame_interval=2, num_clips=10, test_mode=True),
    *val_pipeline[2:],
]
