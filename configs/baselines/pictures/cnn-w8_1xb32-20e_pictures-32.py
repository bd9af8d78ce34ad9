_base_ = '../../_base_/recipes/pictures_student.py'

model = dict(type='mmdualkd.Distiller', student=dict(config=_base_.cnn_w8), teachers=dict(), terms=dict())
