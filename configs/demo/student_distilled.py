# The student of student_alone.py, same clips and schedule, guided by the two teachers that lie beside this file.
_base_ = 'student_alone.py'

model = dict(
    _delete_=True,
    type='mmdualkd.DualTeacherDistiller',
    num_classes=_base_.num_classes,
    views=dict(
        student=dict(clip_len=4, frame_interval=2, size=48),
        vit=dict(clip_len=8, size=48),
        cnn=dict(clip_len=8, size=48),
    ),
    student=dict(config='{{fileDirname}}/student_alone.py'),
    teachers=dict(
        vit=dict(config='{{fileDirname}}/teacher_vit.py', checkpoint='{{fileDirname}}/teacher_vit.pth'),
        cnn=dict(config='{{fileDirname}}/teacher_cnn.py', checkpoint='{{fileDirname}}/teacher_cnn.pth'),
    ),
)
train_pipeline = [
    dict(type='DecordInit'),
    dict(type='mmdualkd.SampleViews'),
    *_base_.augment,
]
teacher_val_pipeline = [
    dict(type='DecordInit'),
    dict(type='mmdualkd.SampleViews', test_mode=True),
    *_base_.val_augment,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
