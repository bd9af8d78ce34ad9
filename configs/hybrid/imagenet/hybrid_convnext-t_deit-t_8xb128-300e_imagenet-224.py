_base_ = '../../_base_/recipes/imagenet_tokens.py'

model = dict(
    student=dict(config='mmpretrain::deit/deit-tiny_4xb256_in1k.py'),
    teachers=dict(
        teacher=dict(
            config='mmpretrain::convnext/convnext-tiny_32xb128_in1k.py',
            checkpoint='zoo',
        )
    ),
    views=dict(teacher=dict(size=224)),
)
