# The demo's generated clips (tools/make_demo_clips.py): 10 classes, 10 frames of 64x64, of which 8 of 48x48 are used.
_base_ = '../../_base_/default_runtime.py'

num_classes = 10
data_root = 'work_dirs/demo/clips'

# No flip: left and right are classes.
augment = [
    dict(type='DecordDecode'),
    dict(type='RandomCrop', size=48),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
val_augment = [
    dict(type='DecordDecode'),
    dict(type='CenterCrop', crop_size=48),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=8, frame_interval=1, num_clips=1),
    *augment,
]
val_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=8, frame_interval=1, num_clips=1, test_mode=True),
    *val_augment,
]

train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='mmdualkd.VideoDataset',
        ann_file='train.txt',
        data_root=data_root,
        data_prefix=dict(video=''),
        num_classes=num_classes,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=50,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmdualkd.VideoDataset',
        ann_file='test.txt',
        data_root=data_root,
        data_prefix=dict(video=''),
        num_classes=num_classes,
        pipeline=val_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='AccMetric')
test_evaluator = val_evaluator
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
