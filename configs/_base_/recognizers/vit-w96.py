_base_ = ['../models/small_video.py', '../pipelines/squash64.py']

model = _base_.vit_w96
train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=8, frame_interval=8),
    *_base_.train_augment,
    dict(type='Resize', scale=(48, 48), keep_ratio=False),
    *_base_.pack,
]
val_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=8, frame_interval=8, num_clips=3, test_mode=True),
    *_base_.val_squash,
    dict(type='Resize', scale=(48, 48), keep_ratio=False),
    *_base_.pack,
]
test_pipeline = val_pipeline
