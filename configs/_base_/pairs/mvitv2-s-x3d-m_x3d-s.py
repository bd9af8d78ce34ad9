_base_ = '../students/x3d-s.py'

model = dict(
    views=dict(
        vit=dict(clip_len=16, frame_interval=4, size=224),
        cnn=dict(clip_len=16, frame_interval=5, size=224),
    ),
    teachers=dict(
        vit=dict(
            config='mmaction::recognition/mvit/mvit-small-p244_32xb16-16x4x1-200e_kinetics400-rgb.py',
            checkpoint='zoo',
        ),
        cnn=dict(
            config='mmaction::recognition/x3d/x3d_m_16x5x1_facebook-kinetics400-rgb.py',
            checkpoint='zoo',
        ),
    ),
)
