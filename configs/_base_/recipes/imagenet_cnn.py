# A CNN student on ImageNet-1K.
_base_ = ['../default_runtime_image.py', '../datasets/imagenet_224.py', '../schedules/sgd_100e_image.py']

model = dict(
    type='mmdualkd.HybridAssistantDistiller',
    num_classes=_base_.num_classes,
    views=dict(student=dict(size=224)),
)
train_dataloader = dict(batch_size=64)
