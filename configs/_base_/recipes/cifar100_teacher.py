# A teacher of the ImageNet zoo, fine-tuned on CIFAR-100 by plain mmpretrain; the recipe is ours.
_base_ = ['../default_runtime_image.py', '../datasets/cifar100_224.py', '../schedules/adamw_30e_image.py']

train_dataloader = dict(batch_size=64)
imagenet = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
half = dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5], to_rgb=True)  # the Mixer's
