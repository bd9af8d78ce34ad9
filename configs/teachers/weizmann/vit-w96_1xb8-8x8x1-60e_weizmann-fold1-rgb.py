_base_ = [
    '../../_base_/default_runtime.py',
    '../../_base_/datasets/weizmann_fold1.py',
    '../../_base_/schedules/adamw_60e_small.py',
    '../../_base_/recognizers/vit-w96.py',
]

model = dict(cls_head=dict(num_classes=_base_.num_classes))
load_from = '{{fileDirname}}/../../demo/teacher_vit.pth'  # sixty clips teach a ViT little: it starts from the demo's
optim_wrapper = dict(optimizer=dict(lr=1e-3), clip_grad=dict(max_norm=1))
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
