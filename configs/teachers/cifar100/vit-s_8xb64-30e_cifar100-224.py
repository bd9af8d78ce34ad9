_base_ = ['../../_base_/recipes/cifar100_teacher.py', '../../_base_/classifiers/vit-s.py']

model = dict(head=dict(num_classes=_base_.num_classes), data_preprocessor=_base_.imagenet, train_cfg=None)
load_from = 'https://download.openmmlab.com/mmclassification/v0/deit/deit-small_pt-4xb256_in1k_20220218-9425b9bb.pth'
