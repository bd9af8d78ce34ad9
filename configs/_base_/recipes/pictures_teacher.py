# A small teacher on all pictures of a folder, by plain mmpretrain.
_base_ = [
    '../default_runtime_image.py',
    '../datasets/pictures_32.py',
    '../schedules/adamw_20e_small_image.py',
    '../classifiers/small_pictures.py',
]

train_dataloader = dict(batch_size=64)
auto_scale_lr = dict(base_batch_size=64)
