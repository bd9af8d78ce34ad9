# A CNN student on CIFAR-100: weak augmentation, label smoothing.
_base_ = ['../default_runtime_image.py', '../datasets/cifar100_224.py', '../schedules/sgd_300e_image.py']

model = dict(
    type='mmdualkd.HybridAssistantDistiller',
    num_classes=_base_.num_classes,
    student=dict(
        model=dict(head=dict(loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1, mode='original'))),
    ),
    views=dict(student=dict(size=224)),
)
