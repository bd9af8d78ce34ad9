_base_ = ['../../_base_/recipes/cifar100_teacher.py', 'mmpretrain::_base_/models/convnext/convnext-tiny.py']

model = dict(head=dict(num_classes=_base_.num_classes), data_preprocessor=_base_.imagenet, train_cfg=None)
load_from = (
    'https://download.openmmlab.com/mmclassification/v0/convnext/convnext-tiny_32xb128_in1k_20221207-998cf3e9.pth'
)
