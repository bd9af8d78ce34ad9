# Weizmann actions, subjects daria, denis and eli held out (folds: see tools/make_annotations.py --help)
num_classes = 10
data_prefix = dict(video='data/weizmann')
ann_file_train = 'data/annotations/weizmann/fold1_train.txt'
ann_file_val = 'data/annotations/weizmann/fold1_val.txt'
teacher_vit = 'work_dirs/uniformer-w32_1xb8-16x4x1-240e_weizmann-fold1-rgb/epoch_240.pth'
teacher_cnn = 'work_dirs/resnet3d18-w16_1xb8-16x4x1-240e_weizmann-fold1-rgb/epoch_240.pth'

train_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='mmdualkd.VideoDataset', ann_file=ann_file_train, data_prefix=data_prefix),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='mmdualkd.VideoDataset', ann_file=ann_file_val, data_prefix=data_prefix, test_mode=True),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='AccMetric')
test_evaluator = val_evaluator
