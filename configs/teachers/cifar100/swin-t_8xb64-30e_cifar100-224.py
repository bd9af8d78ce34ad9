_base_ = ['../../_base_/recipes/cifar100_teacher.py', 'mmpretrain::_base_/models/swin_transformer/tiny_224.py']

model = dict(head=dict(num_classes=_base_.num_classes), data_preprocessor=_base_.imagenet, train_cfg=None)
load_from = 'https://download.openmmlab.com/mmclassification/v0/swin-transformer/swin_tiny_224_b16x64_300e_imagenet_20210616_090925-66df6be6.pth'
