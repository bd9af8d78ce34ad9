_base_ = ['mmaction::_base_/models/x3d.py', '../pipelines/crop224.py']

zoo_checkpoint = 'https://download.openmmlab.com/mmaction/v1.0/recognition/x3d/facebook/x3d_m_16x5x1_facebook-kinetics400-rgb_20201027-3f42382a.pth'

train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=16, frame_interval=5),
    *_base_.train_augment,
    *_base_.pack,
]
val_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=16, frame_interval=5, test_mode=True),
    *_base_.val_crop256,
    *_base_.pack,
]
test_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=16, frame_interval=5, num_clips=10, test_mode=True),
    *val_pipeline[2:],
]
