_base_ = ['_base_/clips.py', '_base_/resnet3d18.py', '_base_/teacher_schedule.py']

data_root = 'work_dirs/demo/teacher_clips'
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=5, val_interval=1)
param_scheduler = dict(total_steps=5)
