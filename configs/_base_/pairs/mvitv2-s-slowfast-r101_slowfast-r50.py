_base_ = '../students/slowfast-r50.py'

model = dict(
    views=dict(
        vit=dict(clip_len=16, frame_interval=4, size=224),
        cnn=dict(clip_len=32, frame_interval=2, size=224),
    ),
    teachers=dict(
        vit=dict(
            config='mmaction::recognition/mvit/mvit-small-p244_32xb16-16x4x1-200e_kinetics400-rgb.py',
            checkpoint='zoo',
        ),
        cnn=dict(
            config='mmaction::recognition/slowfast/slowfast_r101_8xb8-8x8x1-256e_kinetics400-rgb.py',
            checkpoint='zoo',
        ),
    ),
)
