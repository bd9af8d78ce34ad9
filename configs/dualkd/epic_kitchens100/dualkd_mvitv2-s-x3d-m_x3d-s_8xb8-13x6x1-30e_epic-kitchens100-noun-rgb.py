_base_ = './dualkd_mvitv2-s-x3d-m_x3d-s_8xb8-13x6x1-30e_epic-kitchens100-verb-rgb.py'

num_classes = 300
model = dict(
    num_classes=num_classes,
    teachers=dict(
        vit=dict(checkpoint='work_dirs/mvitv2-s_8xb4-16x4x1-50e_epic-kitchens100-noun-rgb/epoch_50.pth'),
        cnn=dict(checkpoint='work_dirs/x3d-m_8xb8-16x5x1-30e_epic-kitchens100-noun-rgb/epoch_30.pth'),
    ),
)
target = dict(target='noun', num_classes=num_classes)
train_dataloader = dict(dataset=target)
val_dataloader = dict(dataset=target)
test_dataloader = dict(dataset=target)
