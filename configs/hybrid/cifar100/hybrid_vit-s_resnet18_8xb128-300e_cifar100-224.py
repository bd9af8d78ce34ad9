_base_ = '../../_base_/recipes/cifar100_cnn.py'

model = dict(
    student=dict(config='mmpretrain::resnet/resnet18_8xb32_in1k.py'),
    teachers=dict(
        teacher=dict(
            config='mmpretrain::deit/deit-small_4xb256_in1k.py',
            checkpoint='work_dirs/vit-s_8xb64-30e_cifar100-224/epoch_30.pth',
        )
    ),
    views=dict(teacher=dict(size=224)),
)
