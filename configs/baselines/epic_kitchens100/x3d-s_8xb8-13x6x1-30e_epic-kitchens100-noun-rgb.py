_base_ = './x3d-s_8xb8-13x6x1-30e_epic-kitchens100-verb-rgb.py'

num_classes = 300
model = dict(num_classes=num_classes)
target = dict(target='noun', num_classes=num_classes)
train_dataloader = dict(dataset=target)
val_dataloader = dict(dataset=target)
test_dataloader = dict(dataset=target)
