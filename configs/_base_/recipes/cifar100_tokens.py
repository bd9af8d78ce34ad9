# A ViT or MLP student on CIFAR-100: strong augmentation. Label smoothing stands in the students' own configs.
_base_ = ['../default_runtime_image.py', '../datasets/cifar100_224.py', '../schedules/adamw_300e_image.py']

model = dict(
    type='mmdualkd.HybridAssistantDistiller',
    num_classes=_base_.num_classes,
    views=dict(student=dict(size=224)),
    blending=dict(augments=[dict(type='Mixup', alpha=0.8), dict(type='CutMix', alpha=1.0)]),
)
train_dataloader = dict(dataset=dict(pipeline=_base_.strong_pipeline))
