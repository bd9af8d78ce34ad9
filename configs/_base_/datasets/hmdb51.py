# HMDB51, split 1, in the layout that mmaction2's tools/data/hmdb51 makes.
num_classes = 51
data_prefix = dict(video='data/hmdb51/videos')
ann_file_train = 'data/hmdb51/hmdb51_train_split_1_videos.txt'
ann_file_val = 'data/hmdb51/hmdb51_val_split_1_videos.txt'

train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='mmdualkd.VideoDataset', ann_file=ann_file_train, data_prefix=data_prefix),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='mmdualkd.VideoDataset', ann_file=ann_file_val, data_prefix=data_prefix, test_mode=True),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='mmdualkd.VideoDataset', ann_file=ann_file_val, data_prefix=data_prefix, test_mode=True),
)
val_evaluator = dict(type='AccMetric')
test_evaluator = val_evaluator
