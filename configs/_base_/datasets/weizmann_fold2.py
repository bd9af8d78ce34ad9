_base_ = './weizmann_fold1.py'

# subjects ido, ira and lena held out
ann_file_train = 'data/annotations/weizmann/fold2_train.txt'
ann_file_val = 'data/annotations/weizmann/fold2_val.txt'
teacher_vit = 'work_dirs/uniformer-w32_1xb8-16x4x1-240e_weizmann-fold2-rgb/epoch_240.pth'
teacher_cnn = 'work_dirs/resnet3d18-w16_1xb8-16x4x1-240e_weizmann-fold2-rgb/epoch_240.pth'
train_dataloader = dict(dataset=dict(ann_file=ann_file_train))
val_dataloader = dict(dataset=dict(ann_file=ann_file_val))
test_dataloader = val_dataloader
