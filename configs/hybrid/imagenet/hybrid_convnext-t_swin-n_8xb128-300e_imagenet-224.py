_base_ = ['../../_base_/recipes/imagenet_tokens.py', '../../_base_/classifiers/swin-n.py']

model = dict(
    student=dict(config=_base_.swin_n),
    teachers=dict(
        teacher=dict(
            config='mmpretrain::convnext/convnext-tiny_32xb128_in1k.py',
            checkpoint='zoo',
        )
    ),
    views=dict(teacher=dict(size=224)),
)
