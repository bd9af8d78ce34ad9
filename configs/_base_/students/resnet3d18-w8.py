_base_ = ['../models/small_video.py', '../pipelines/views64.py']

model = dict(
    type='mmdualkd.DualTeacherDistiller',
    views=dict(student=dict(clip_len=16, frame_interval=4, size=64)),
    student=dict(config=_base_.resnet3d18_w8),
)

val_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=16, frame_interval=4, num_clips=3, test_mode=True),
    *_base_.val_squash,
    *_base_.pack,
]
test_pipeline = val_pipeline
