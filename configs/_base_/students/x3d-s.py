_base_ = '../pipelines/views224.py'

model = dict(
    type='mmdualkd.DualTeacherDistiller',
    views=dict(student=dict(clip_len=13, frame_interval=6, size=160)),
    student=dict(config='mmaction::recognition/x3d/x3d_s_13x6x1_facebook-kinetics400-rgb.py', checkpoint='zoo'),
)

val_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=13, frame_interval=6, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 182)),
    dict(type='CenterCrop', crop_size=182),
    *_base_.pack,
]
test_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=13, frame_interval=6, num_clips=10, test_mode=True),
    *val_pipeline[2:],
]
