_base_ = '../../_base_/recipes/pictures_teacher.py'

model = _base_.vit_w64
