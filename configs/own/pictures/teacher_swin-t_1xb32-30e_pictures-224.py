# A teacher on one's own pictures, fine-tuned from ImageNet on one GPU; for the keys see _base_/datasets/pictures.py.
_base_ = [
    '../../_base_/default_runtime_image.py',
    '../../_base_/datasets/pictures.py',
    '../../_base_/pipelines/pictures224.py',
    '../../_base_/schedules/adamw_30e_image.py',
    'mmpretrain::_base_/models/swin_transformer/tiny_224.py',
]

imagenet = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
model = dict(head=dict(num_classes=_base_.num_classes), data_preprocessor=imagenet, train_cfg=None)
load_from = 'https://download.openmmlab.com/mmclassification/v0/swin-transformer/swin_tiny_224_b16x64_300e_imagenet_20210616_090925-66df6be6.pth'
optim_wrapper = dict(optimizer=dict(lr=3e-5))  # a sixteenth of the schedule's batch
auto_scale_lr = dict(base_batch_size=32)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
