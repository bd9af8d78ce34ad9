_base_ = ['../../_base_/recipes/imagenet_tokens.py', '../../_base_/classifiers/resmlp-s12.py']

model = dict(
    student=dict(config=_base_.resmlp_s12),
    teachers=dict(
        teacher=dict(
            config='mmpretrain::resnet/resnet50_8xb32_in1k.py',
            checkpoint='zoo',
        )
    ),
    views=dict(teacher=dict(size=224)),
)
