_base_ = '../../_base_/recipes/cifar100_cnn.py'

model = dict(
    type='mmdualkd.Distiller',
    student=dict(config='mmpretrain::resnet/resnet18_8xb32_in1k.py'),
    teachers=dict(),
    terms=dict(),
)
