_base_ = ['../../_base_/recipes/cifar100_tokens.py', '../../_base_/classifiers/resmlp-s12.py']

model = dict(
    type='mmdualkd.Distiller',
    student=dict(config=_base_.resmlp_s12),
    teachers=dict(),
    terms=dict(),
)
