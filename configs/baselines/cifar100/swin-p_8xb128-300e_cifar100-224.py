_base_ = ['../../_base_/recipes/cifar100_tokens.py', '../../_base_/classifiers/swin-p.py']

model = dict(
    type='mmdualkd.Distiller',
    student=dict(config=_base_.swin_p),
    teachers=dict(),
    terms=dict(),
)
