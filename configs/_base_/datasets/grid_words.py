# Words on a speaker's mouth, cut from the GRID corpus: 26 classes, sentences held out (see tools/make_annotations.py).
num_classes = 26
data_prefix = dict(video='data/grid-words')
ann_file_train = 'data/annotations/grid-words/train.txt'
ann_file_val = 'data/annotations/grid-words/val.txt'
teacher_vit = 'work_dirs/uniformer-w16_1xb16-16x1x1-24e_grid-words-rgb/epoch_24.pth'
teacher_cnn = 'work_dirs/resnet3d18-w16_1xb16-16x1x1-24e_grid-words-rgb/epoch_24.pth'

train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='mmdualkd.VideoDataset', ann_file=ann_file_train, data_prefix=data_prefix),
)
val_dataloader = dict(
    batch_size=33,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='mmdualkd.VideoDataset', ann_file=ann_file_val, data_prefix=data_prefix, test_mode=True),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='AccMetric')
test_evaluator = val_evaluator
