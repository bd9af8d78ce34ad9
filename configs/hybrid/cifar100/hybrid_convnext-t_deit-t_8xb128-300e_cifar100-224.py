_base_ = '../../_base_/recipes/cifar100_tokens.py'

model = dict(
    student=dict(config='mmpretrain::deit/deit-tiny_4xb256_in1k.py'),
    teachers=dict(
        teacher=dict(
            config='mmpretrain::convnext/convnext-tiny_32xb128_in1k.py',
            checkpoint='work_dirs/convnext-t_8xb64-30e_cifar100-224/epoch_30.pth',
        )
    ),
    views=dict(teacher=dict(size=224)),
)
