# One's own videos, listed by tools/make_annotations.py. A leaf says where they are and how many classes there are; what
# stands at its top reaches all that reads it.
num_classes = 2
data_root = 'data/videos'  # the folder that paths in the lists start from
ann_file_train = 'data/annotations/videos/train.txt'
ann_file_val = 'data/annotations/videos/val.txt'

train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='mmdualkd.VideoDataset', ann_file=ann_file_train, data_prefix=dict(video=data_root)),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmdualkd.VideoDataset', ann_file=ann_file_val, data_prefix=dict(video=data_root), test_mode=True
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmdualkd.VideoDataset', ann_file=ann_file_val, data_prefix=dict(video=data_root), test_mode=True
    ),
)
val_evaluator = dict(type='AccMetric')
test_evaluator = val_evaluator
