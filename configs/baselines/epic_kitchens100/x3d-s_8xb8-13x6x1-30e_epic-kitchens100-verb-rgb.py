_base_ = [
    '../../_base_/default_runtime.py',
    '../../_base_/datasets/epic_kitchens100_verb.py',
    '../../_base_/schedules/sgd_30e_cosine.py',
    '../../_base_/baselines/x3d-s.py',
]

model = dict(num_classes=_base_.num_classes, teachers=dict(), terms=dict())
# the segments lie in long videos of several frame rates: cut them out, and count frame_interval at 30 frames a second
cut = dict(type='mmdualkd.SegmentInit')
train_pipeline = [dict(cut, short_side=256), dict(_base_.train_pipeline[1], target_fps=30), *_base_.train_pipeline[2:]]
val_pipeline = [cut, dict(_base_.val_pipeline[1], target_fps=30), *_base_.val_pipeline[2:]]
test_pipeline = [cut, dict(_base_.test_pipeline[1], target_fps=30), *_base_.test_pipeline[2:]]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
