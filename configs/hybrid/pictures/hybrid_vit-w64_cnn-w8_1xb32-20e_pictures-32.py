_base_ = '../../_base_/recipes/pictures_student.py'

model = dict(
    student=dict(config=_base_.cnn_w8),
    teachers=dict(
        teacher=dict(config=_base_.vit_w64, checkpoint='work_dirs/vit-w64_1xb64-20e_pictures-32/epoch_20.pth'),
    ),
    views=dict(teacher=dict(size=32)),
)
