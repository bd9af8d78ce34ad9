_base_ = ['../models/small_video.py', '../pipelines/squash64.py']

model = _base_.uniformer_w32
train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=16, frame_interval=4),
    *_base_.train_augment,
    *_base_.pack,
]
val_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=16, frame_interval=4, num_clips=3, test_mode=True),
    *_base_.val_squash,
    *_base_.pack,
]
test_pipeline = val_pipeline
