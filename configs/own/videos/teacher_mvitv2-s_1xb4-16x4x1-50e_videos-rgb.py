# A teacher on one's own videos, fine-tuned from Kinetics-400 on one GPU; for the keys see _base_/datasets/videos.py.
_base_ = [
    '../../_base_/default_runtime.py',
    '../../_base_/datasets/videos.py',
    '../../_base_/schedules/adamw_50e.py',
    '../../_base_/recognizers/mvitv2-s.py',
]

model = dict(cls_head=dict(num_classes=_base_.num_classes))
load_from = _base_.zoo_checkpoint
# an eighth of the schedule's batch, and of its rates
optim_wrapper = dict(optimizer=dict(lr=2e-5))
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], eta_min=2e-7)]
auto_scale_lr = dict(base_batch_size=4)
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
