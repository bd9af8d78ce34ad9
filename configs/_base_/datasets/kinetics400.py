# Kinetics-400, in the layout that mmaction2's tools/data/kinetics makes.
num_classes = 400
data_prefix_train = dict(video='data/kinetics400/videos_train')
data_prefix_val = dict(video='data/kinetics400/videos_val')
ann_file_train = 'data/kinetics400/kinetics400_train_list_videos.txt'
ann_file_val = 'data/kinetics400/kinetics400_val_list_videos.txt'

train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='mmdualkd.VideoDataset', ann_file=ann_file_train, data_prefix=data_prefix_train),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='mmdualkd.VideoDataset', ann_file=ann_file_val, data_prefix=data_prefix_val, test_mode=True),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='mmdualkd.VideoDataset', ann_file=ann_file_val, data_prefix=data_prefix_val, test_mode=True),
)
val_evaluator = dict(type='AccMetric')
test_evaluator = val_evaluator
