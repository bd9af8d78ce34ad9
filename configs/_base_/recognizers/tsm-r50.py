_base_ = ['mmaction::_base_/models/tsm_r50.py', '../pipelines/crop224.py']

model = dict(backbone=dict(pretrained=None, pretrained2d=False))
zoo_checkpoint = 'https://download.openmmlab.com/mmaction/v1.0/recognition/tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb_20220831-64d69186.pth'

train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=1, num_clips=8),
    *_base_.train_augment,
    *_base_.pack_segments,
]
val_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=1, num_clips=8, test_mode=True),
    *_base_.val_crop224,
    *_base_.pack_segments,
]
test_pipeline = val_pipeline
