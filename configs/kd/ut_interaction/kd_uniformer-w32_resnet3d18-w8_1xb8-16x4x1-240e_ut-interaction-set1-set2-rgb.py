_base_ = [
    '../../_base_/default_runtime.py',
    '../../_base_/datasets/ut_interaction_set1-set2.py',
    '../../_base_/schedules/adamw_240e_small.py',
    '../../_base_/pairs/uniformer-w32_resnet3d18-w8.py',
]

model = dict(num_classes=_base_.num_classes, teachers=dict(vit=dict(checkpoint=_base_.teacher_vit)))
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
