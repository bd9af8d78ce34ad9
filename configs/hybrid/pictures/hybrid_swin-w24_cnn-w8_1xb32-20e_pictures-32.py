_base_ = '../../_base_/recipes/pictures_student.py'

model = dict(
    student=dict(config=_base_.cnn_w8),
    teachers=dict(
        teacher=dict(config=_base_.swin_w24, checkpoint='work_dirs/swin-w24_1xb64-60e_pictures-32/epoch_60.pth'),
    ),
    views=dict(teacher=dict(size=32)),
)
