# 16 consecutive frames of the 20 that a word's clip has, each squashed to 64 x 64.
_base_ = 'views64.py'

stock_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=16, frame_interval=1),
    *_base_.train_augment,
    *_base_.pack,
]
val_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=16, frame_interval=1, test_mode=True),
    *_base_.val_squash,
    *_base_.pack,
]
test_pipeline = val_pipeline
