# The pair of MMAction2's projects/knowledge_distillation, which reports 69.60 % top-1, the student alone 68.71 %.
_base_ = [
    '../../_base_/default_runtime.py',
    '../../_base_/datasets/kinetics400.py',
    '../../_base_/schedules/sgd_100e_tsm.py',
    '../../_base_/pairs/tsm-r50_tsm-mobilenetv2.py',
]

model = dict(num_classes=_base_.num_classes, terms=dict(dist=dict(type='DIST', source='cnn')))
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(batch_size=16, dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
