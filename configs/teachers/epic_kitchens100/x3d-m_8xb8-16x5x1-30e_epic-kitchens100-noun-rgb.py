_base_ = './x3d-m_8xb8-16x5x1-30e_epic-kitchens100-verb-rgb.py'

num_classes = 300
model = dict(cls_head=dict(num_classes=num_classes))
target = dict(target='noun', num_classes=num_classes)
train_dataloader = dict(dataset=target)
val_dataloader = dict(dataset=target)
test_dataloader = dict(dataset=target)
