# A ViT or MLP student on ImageNet-1K: strong augmentation, a cosine to 1e-6, the student's moving average.
_base_ = ['../default_runtime_image.py', '../datasets/imagenet_224.py', '../schedules/adamw_300e_image.py']

model = dict(
    type='mmdualkd.HybridAssistantDistiller',
    num_classes=_base_.num_classes,
    views=dict(student=dict(size=224)),
    blending=dict(augments=[dict(type='Mixup', alpha=0.8), dict(type='CutMix', alpha=1.0)]),
)
train_dataloader = dict(dataset=dict(pipeline=_base_.strong_pipeline))
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], eta_min=1e-6)]
custom_hooks = [*_base_.custom_hooks, dict(type='EMAHook', momentum=4e-5, priority='ABOVE_NORMAL')]
