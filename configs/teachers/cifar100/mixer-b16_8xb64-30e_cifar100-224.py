_base_ = ['../../_base_/recipes/cifar100_teacher.py', 'mmpretrain::_base_/models/mlp_mixer_base_patch16.py']

model = dict(head=dict(num_classes=_base_.num_classes), data_preprocessor=_base_.half, train_cfg=None)
load_from = 'https://download.openmmlab.com/mmclassification/v0/mlp-mixer/mixer-base-p16_3rdparty_64xb64_in1k_20211124-1377e3e0.pth'
