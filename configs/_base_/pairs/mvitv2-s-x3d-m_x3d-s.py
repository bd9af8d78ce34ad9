_base_ = '../students/x3d-s.py'

views = dict(
    student=_base_.views.student,
    vit=dict(clip_len=16, frame_interval=4, size=224),
    cnn=dict(clip_len=16, frame_interval=5, size=224),
)
model = dict(
    views=views,
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

train_pipeline = [
    dict(type='DecordInit'),
    dict(type='mmdualkd.SampleViews', views=views),
    *_base_.train_augment,
    *_base_.pack,
]
# for tools/check_teachers.py: what all models of the pair see of a validation video
teacher_val_pipeline = [
    dict(type='DecordInit'),
    dict(type='mmdualkd.SampleViews', views=views, test_mode=True),
    *_base_.val_crop224,
    *_base_.pack,
]
