# Small models that train from scratch on pictures of 32 pixels in minutes on one CPU core.
preprocessor = dict(
    type='ClsDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True
)
# The stages of the CNNs end on grids of 16, 8, 8 and 4 cells a side, those of Swin on 16, 8, 4 and 2; ViT and MLP have
# one of 8 throughout.
cnn_w16 = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=16, base_channels=16, strides=(2, 2, 1, 2)),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=128),
    data_preprocessor=preprocessor,
)
cnn_w8 = dict(
    cnn_w16,
    backbone=dict(cnn_w16['backbone'], stem_channels=8, base_channels=8),
    head=dict(cnn_w16['head'], in_channels=64),
)
swin_w24 = dict(
    type='ImageClassifier',
    backbone=dict(
        type='SwinTransformer',
        arch=dict(embed_dims=24, depths=[1, 1, 2, 1], num_heads=[1, 2, 4, 8]),
        img_size=32,
        patch_size=2,
        window_size=4,
        pad_small_map=True,  # the last grid is smaller than a window
        drop_path_rate=0.0,
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=192),
    data_preprocessor=preprocessor,
)
vit_w48 = dict(
    type='ImageClassifier',
    backbone=dict(
        type='VisionTransformer',
        arch=dict(embed_dims=48, num_layers=6, num_heads=2, feedforward_channels=96),
        img_size=32,
        patch_size=4,
    ),
    neck=None,
    head=dict(type='VisionTransformerClsHead', num_classes=10, in_channels=48),
    data_preprocessor=preprocessor,
)
mlp_w64 = dict(
    type='ImageClassifier',
    backbone=dict(
        type='MlpMixer',
        arch=dict(embed_dims=64, num_layers=6, tokens_mlp_dims=32, channels_mlp_dims=128),
        img_size=32,
        patch_size=4,
    ),
    neck=dict(type='GlobalAveragePooling', dim=1),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=64),
    data_preprocessor=preprocessor,
)
