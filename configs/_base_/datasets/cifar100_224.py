# CIFAR-100 in its Python form (mmpretrain downloads it on first use), scaled up from 32 to 224 pixels. The published
# recipe says how strong the augmentation is; the rest of each pipeline is ours.
_base_ = '../pipelines/strong_pictures.py'

num_classes = 100

# mmpretrain's CIFAR gives RGB, its zoo models expect BGR as files are read: the two steps turn one into the other.
to_bgr = [dict(type='NumpyToPIL', to_rgb=False), dict(type='PILToNumpy', to_bgr=True)]
to_224 = [dict(type='Resize', scale=224, backend='pillow', interpolation='bicubic')]
light_pipeline = [
    *to_bgr,
    dict(type='RandomCrop', crop_size=32, padding=4),
    *to_224,
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
strong_pipeline = [*to_bgr, *_base_.strong_augments, dict(type='PackInputs')]
val_pipeline = [*to_bgr, *to_224, dict(type='PackInputs')]
test_pipeline = val_pipeline

train_dataloader = dict(
    batch_size=128,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='mmdualkd.CIFAR100', data_root='data/cifar100', split='train', pipeline=light_pipeline),
)
val_dataloader = dict(
    batch_size=128,
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmdualkd.CIFAR100', data_root='data/cifar100', split='test', pipeline=val_pipeline, test_mode=True
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_evaluator = val_evaluator
