# EPIC-KITCHENS-100: the official CSVs, and the long videos in the official layout or flat.
num_classes = 97
annotations = 'data/epic_kitchens100/annotations'
dataset = dict(
    type='mmdualkd.EpicKitchens',
    data_prefix=dict(video='data/epic_kitchens100/videos'),
    target='verb',
    train_ann_file=f'{annotations}/EPIC_100_train.csv',
    num_classes=num_classes,
)

train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(ann_file=f'{annotations}/EPIC_100_train.csv', **dataset),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(ann_file=f'{annotations}/EPIC_100_validation.csv', test_mode=True, **dataset),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(ann_file=f'{annotations}/EPIC_100_validation.csv', test_mode=True, **dataset),
)
val_evaluator = dict(type='AccMetric', metric_list=('top_k_accuracy',))
test_evaluator = val_evaluator
