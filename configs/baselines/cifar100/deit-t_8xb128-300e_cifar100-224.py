_base_ = '../../_base_/recipes/cifar100_tokens.py'

model = dict(
    type='mmdualkd.Distiller',
    student=dict(config='mmpretrain::deit/deit-tiny_4xb256_in1k.py'),
    teachers=dict(),
    terms=dict(),
)
