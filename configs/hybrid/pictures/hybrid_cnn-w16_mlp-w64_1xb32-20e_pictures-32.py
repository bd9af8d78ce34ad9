_base_ = '../../_base_/recipes/pictures_student.py'

model = dict(
    student=dict(config=_base_.mlp_w64),
    teachers=dict(
        teacher=dict(config=_base_.cnn_w16, checkpoint='work_dirs/cnn-w16_1xb64-20e_pictures-32/epoch_20.pth'),
    ),
    views=dict(teacher=dict(size=32)),
)
