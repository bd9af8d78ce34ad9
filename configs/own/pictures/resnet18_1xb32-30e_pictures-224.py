# The student alone on one's own pictures, from its ImageNet weights; for the keys see _base_/datasets/pictures.py.
_base_ = [
    '../../_base_/default_runtime_image.py',
    '../../_base_/datasets/pictures.py',
    '../../_base_/pipelines/pictures224.py',
    '../../_base_/schedules/sgd_30e_image.py',
]

model = dict(
    type='mmdualkd.Distiller',
    num_classes=_base_.num_classes,
    student=dict(config='mmpretrain::resnet/resnet18_8xb32_in1k.py', checkpoint='zoo'),
    views=dict(student=dict(size=224)),
    teachers=dict(),
    terms=dict(),
)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
