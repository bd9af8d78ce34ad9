# The student by the hybrid assistant on one's own pictures; for the keys see _base_/datasets/pictures.py.
_base_ = [
    '../../_base_/default_runtime_image.py',
    '../../_base_/datasets/pictures.py',
    '../../_base_/pipelines/pictures224.py',
    '../../_base_/schedules/sgd_30e_image.py',
]

model = dict(
    type='mmdualkd.HybridAssistantDistiller',
    num_classes=_base_.num_classes,
    student=dict(config='mmpretrain::resnet/resnet18_8xb32_in1k.py', checkpoint='zoo'),
    teachers=dict(
        teacher=dict(
            config='mmpretrain::swin_transformer/swin-tiny_16xb64_in1k.py',
            checkpoint='work_dirs/teacher_swin-t_1xb32-30e_pictures-224/epoch_30.pth',
        )
    ),
    views=dict(student=dict(size=224), teacher=dict(size=224)),
)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
