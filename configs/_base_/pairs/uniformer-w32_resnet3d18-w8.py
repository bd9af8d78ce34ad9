_base_ = '../students/resnet3d18-w8.py'

views = dict(student=_base_.views.student, vit=dict(clip_len=16, frame_interval=4, size=64))
model = dict(
    views=views,
    teachers=dict(vit=dict(config=_base_.uniformer_w32)),
    terms=dict(kd=dict(type='FusedKD', weighting=dict(type='Uniform'))),  # one teacher: plain KD
)

train_pipeline = [
    dict(type='DecordInit'),
    dict(type='mmdualkd.SampleViews', views=views),
    *_base_.train_augment,
    *_base_.pack,
]
# for tools/check_teachers.py: what all models see of a validation video
teacher_val_pipeline = [
    dict(type='DecordInit'),
    dict(type='mmdualkd.SampleViews', views=views, test_mode=True),
    *_base_.val_squash,
    *_base_.pack,
]
