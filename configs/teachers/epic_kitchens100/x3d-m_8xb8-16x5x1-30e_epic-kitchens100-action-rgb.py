_base_ = './x3d-m_8xb8-16x5x1-30e_epic-kitchens100-verb-rgb.py'

num_classes = (
    3568  # (verb, noun) pairs of EPIC_100_train.csv; if yours has others, the data set stops and names the count
)
model = dict(cls_head=dict(num_classes=num_classes))
target = dict(target='action', num_classes=num_classes)
train_dataloader = dict(dataset=target)
val_dataloader = dict(dataset=target)
test_dataloader = dict(dataset=target)
