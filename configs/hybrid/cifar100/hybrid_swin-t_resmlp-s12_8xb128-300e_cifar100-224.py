_base_ = ['../../_base_/recipes/cifar100_tokens.py', '../../_base_/classifiers/resmlp-s12.py']

model = dict(
    student=dict(config=_base_.resmlp_s12),
    teachers=dict(
        teacher=dict(
            config='mmpretrain::swin_transformer/swin-tiny_16xb64_in1k.py',
            checkpoint='work_dirs/swin-t_8xb64-30e_cifar100-224/epoch_30.pth',
        )
    ),
    views=dict(teacher=dict(size=224)),
)
