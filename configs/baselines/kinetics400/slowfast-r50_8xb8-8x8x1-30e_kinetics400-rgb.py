_base_ = [
    '../../_base_/default_runtime.py',
    '../../_base_/datasets/kinetics400.py',
    '../../_base_/schedules/sgd_30e_cosine.py',
    '../../_base_/baselines/slowfast-r50.py',
]

model = dict(num_classes=_base_.num_classes, teachers=dict(), terms=dict())
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
