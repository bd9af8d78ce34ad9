_base_ = ['../../_base_/recipes/imagenet_tokens.py', '../../_base_/classifiers/swin-n.py']

model = dict(
    type='mmdualkd.Distiller',
    student=dict(config=_base_.swin_n),
    teachers=dict(),
    terms=dict(),
)
