# A small teacher on one's own videos, from scratch (on a CPU, too); for the keys see _base_/datasets/videos.py.
_base_ = [
    '../../_base_/default_runtime.py',
    '../../_base_/datasets/videos.py',
    '../../_base_/schedules/adamw_240e_small.py',
    '../../_base_/recognizers/resnet3d18-w16.py',
]

model = dict(cls_head=dict(num_classes=_base_.num_classes))
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
