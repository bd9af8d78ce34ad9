# One's own videos. A leaf says what differs, once and at its top: num_classes, data_root, ann_file_train, ann_file_val
# and ann_file_test (by default that of val) reach all that reads them. Lines of the lists are `<file> <label>`,
# classes.txt beside them names the classes: tools/make_annotations.py writes them.
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
