# Fine-tuning a video transformer, the same code's recipe for MViT-S on UCF101: AdamW 1.6e-4 at 8 GPUs of 4 clips,
# 15 epochs of warm-up, then a cosine to epoch 50.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=50, val_begin=1, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=True, begin=0, end=15, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        T_max=35,
        eta_min=1.6e-6,
        by_epoch=True,
        begin=15,
        end=50,
        convert_to_iter_based=True,
    ),
]
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=1.6e-4, betas=(0.9, 0.999), weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
    clip_grad=dict(max_norm=1, norm_type=2),
)
auto_scale_lr = dict(enable=False, base_batch_size=32)
