# A small student on few pictures of a folder: 200 of each class.
_base_ = [
    '../default_runtime_image.py',
    '../datasets/pictures_32.py',
    '../schedules/adamw_20e_small_image.py',
    '../classifiers/small_pictures.py',
]

model = dict(
    type='mmdualkd.HybridAssistantDistiller',
    num_classes=_base_.num_classes,
    views=dict(student=dict(size=32)),
)
train_dataloader = dict(dataset=dict(per_class=200))
