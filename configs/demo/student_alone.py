# A small CNN, every second frame, 200 labelled clips; also the student of student_distilled.py.
_base_ = ['_base_/clips.py', '_base_/resnet3d18.py', '_base_/student_schedule.py']

model = dict(backbone=dict(base_channels=8), cls_head=dict(in_channels=32))
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
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=val_pipeline))
default_hooks = dict(checkpoint=dict(interval=30, save_best=None), logger=dict(interval=7))
