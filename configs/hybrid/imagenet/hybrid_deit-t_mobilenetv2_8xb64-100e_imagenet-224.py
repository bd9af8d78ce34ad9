_base_ = '../../_base_/recipes/imagenet_cnn.py'

model = dict(
    student=dict(config='mmpretrain::mobilenet_v2/mobilenet-v2_8xb32_in1k.py'),
    teachers=dict(
        teacher=dict(
            config='mmpretrain::deit/deit-tiny_4xb256_in1k.py',
            checkpoint='zoo',
        )
    ),
    views=dict(teacher=dict(size=224)),
)
