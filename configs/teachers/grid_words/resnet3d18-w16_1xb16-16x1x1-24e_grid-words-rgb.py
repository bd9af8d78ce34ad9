_base_ = [
    '../../_base_/default_runtime.py',
    '../../_base_/datasets/grid_words.py',
    '../../_base_/schedules/adamw_24e_small.py',
    '../../_base_/models/small_video.py',
    '../../_base_/pipelines/words64.py',
]

model = dict(_base_.resnet3d18_w16, cls_head=dict(_base_.resnet3d18_w16['cls_head'], num_classes=_base_.num_classes))
train_pipeline = _base_.stock_pipeline
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
