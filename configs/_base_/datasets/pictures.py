# One's own pictures of any size, listed by tools/make_annotations.py --pictures. A leaf says where they are and how
# many classes there are; what stands at its top reaches all that reads it.
num_classes = 2
data_root = 'data/pictures'  # the folder that paths in the lists start from
ann_file_train = 'data/annotations/pictures/train.txt'
ann_file_val = 'data/annotations/pictures/val.txt'

train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='mmdualkd.CustomDataset', ann_file=ann_file_train, data_prefix=data_root),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='mmdualkd.CustomDataset', ann_file=ann_file_val, data_prefix=data_root, test_mode=True),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='Accuracy', topk=(1,))
test_evaluator = val_evaluator
