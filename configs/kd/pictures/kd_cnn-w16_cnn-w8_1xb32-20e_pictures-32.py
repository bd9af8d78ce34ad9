_base_ = '../../_base_/recipes/pictures_student.py'

# one teacher: plain KD, between models of one kind
model = dict(
    type='mmdualkd.Distiller',
    student=dict(config=_base_.cnn_w8),
    teachers=dict(
        teacher=dict(config=_base_.cnn_w16, checkpoint='work_dirs/cnn-w16_1xb64-20e_pictures-32/epoch_20.pth'),
    ),
    views=dict(teacher=dict(size=32)),
    terms=dict(kd=dict(type='FusedKD', weighting=dict(type='Uniform'))),
)
