# A third of the clips is labelled for the student; its teachers know all of them.
_base_ = [
    '../../_base_/default_runtime.py',
    '../../_base_/datasets/grid_words.py',
    '../../_base_/schedules/adamw_15e_small.py',
    '../../_base_/models/small_video.py',
    '../../_base_/pipelines/words64.py',
]

model = dict(
    type='mmdualkd.DualTeacherDistiller',
    num_classes=_base_.num_classes,
    views=dict(student=dict(clip_len=16, size=64)),
    student=dict(config=_base_.resnet3d18_w8),
    teachers=dict(),
    terms=dict(),
)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline, indices=list(range(0, 3955, 3))))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
