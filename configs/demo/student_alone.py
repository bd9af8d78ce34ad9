# A small CNN (two stages of ResNet3d-18, every second frame) that sees 100 labelled clips, also where it is distilled.
_base_ = ['_base_/clips.py', '_base_/resnet3d18.py', '_base_/student_schedule.py']

model = dict(
    backbone=dict(
        num_stages=2,
        out_indices=(1,),
        spatial_strides=(1, 2),
        temporal_strides=(1, 1),
        dilations=(1, 1),
        inflate=(1, 1),
    ),
    cls_head=dict(in_channels=32),
)
train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=4, frame_interval=2, num_clips=1),
    *_base_.augment,
]
val_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=4, frame_interval=2, num_clips=1, test_mode=True),
    *_base_.val_augment,
]
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=val_pipeline))
default_hooks = dict(checkpoint=dict(interval=30, save_best=None), logger=dict(interval=5))
