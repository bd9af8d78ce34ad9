_base_ = '../../_base_/recipes/cifar100_cnn.py'

model = dict(
    student=dict(config='mmpretrain::mobilenet_v2/mobilenet-v2_8xb32_in1k.py'),
    teachers=dict(
        teacher=dict(
            config='mmpretrain::mlp_mixer/mlp-mixer-base-p16_64xb64_in1k.py',
            checkpoint='work_dirs/mixer-b16_8xb64-30e_cifar100-224/epoch_30.pth',
        )
    ),
    views=dict(teacher=dict(size=224)),
)
