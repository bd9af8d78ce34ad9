_base_ = './ut_interaction_set1-set2.py'

# trained on set2 and tested on set1 (fold 1)
ann_file_train = 'data/annotations/ut-interaction/fold1_train.txt'
ann_file_val = 'data/annotations/ut-interaction/fold1_val.txt'
teacher_vit = 'work_dirs/uniformer-w32_1xb8-16x4x1-240e_ut-interaction-set2-set1-rgb/epoch_240.pth'
teacher_cnn = 'work_dirs/resnet3d18-w16_1xb8-16x4x1-240e_ut-interaction-set2-set1-rgb/epoch_240.pth'
train_dataloader = dict(dataset=dict(ann_file=ann_file_train))
val_dataloader = dict(dataset=dict(ann_file=ann_file_val))
test_dataloader = val_dataloader
