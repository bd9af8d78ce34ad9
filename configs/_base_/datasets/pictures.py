# One's own pictures, of any size and any number a class. A leaf says what differs, once and at its top: num_classes,
# data_root, ann_file_train, ann_file_val and ann_file_test (by default that of val) reach all that reads them. Lines of
# the lists are `<file> <label>`, classes.txt beside them names the classes: tools/make_annotations.py --pictures writes
# them. Folders train/<class>/ and val/<class>/ do without: ann_file_train = ann_file_val = '',
# data_prefix_train = 'my/train', data_prefix_val = 'my/val'.
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
