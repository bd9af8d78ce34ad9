_base_ = '../pipelines/views224.py'

model = dict(
    type='mmdualkd.DualTeacherDistiller',
    views=dict(student=dict(clip_len=32, frame_interval=2, size=224)),
    student=dict(
        config='mmaction::recognition/slowfast/slowfast_r50_8xb8-8x8x1-256e_kinetics400-rgb.py', checkpoint='zoo'
    ),
)

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
