# A teacher on one's own videos, fine-tuned from Kinetics-400; for the keys see _base_/datasets/videos.py.
_base_ = [
    '../../_base_/default_runtime.py',
    '../../_base_/datasets/videos.py',
    '../../_base_/schedules/sgd_50e.py',
    '../../_base_/recognizers/x3d-m.py',
]

model = dict(cls_head=dict(num_classes=_base_.num_classes))
load_from = _base_.zoo_checkpoint
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
