# Small models that train from scratch in minutes on two CPU cores; heads get their classes from the data set.
preprocessor = dict(
    type='ActionDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    format_shape='NCTHW',
)
resnet3d18_w16 = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3d',
        depth=18,
        base_channels=16,
        pretrained=None,
        pretrained2d=False,
        conv1_kernel=(3, 5, 5),
        conv1_stride_t=2,
        pool1_stride_t=1,
        norm_eval=False,
        zero_init_residual=False,
    ),
    cls_head=dict(type='I3DHead', in_channels=128, num_classes=10, dropout_ratio=0.3, average_clips='prob'),
    data_preprocessor=preprocessor,
)
resnet3d18_w8 = dict(
    resnet3d18_w16,
    backbone=dict(resnet3d18_w16['backbone'], base_channels=8),
    cls_head=dict(resnet3d18_w16['cls_head'], in_channels=64),
)
# A transformer that sixty clips can teach: convolutions in its first two stages, attention in the last two. A plain ViT
# stays near chance on such data, also when it starts from the demo's weights.
uniformer_w32 = dict(
    type='Recognizer3D',
    backbone=dict(
        type='UniFormer',
        depth=[1, 1, 2, 1],
        img_size=64,
        embed_dim=[32, 64, 96, 128],
        head_dim=32,
        pretrained2d=False,
    ),
    cls_head=dict(type='I3DHead', in_channels=128, num_classes=10, dropout_ratio=0.3, average_clips='prob'),
    data_preprocessor=preprocessor,
)
uniformer_w16 = dict(
    uniformer_w32,
    backbone=dict(uniformer_w32['backbone'], embed_dim=[16, 48, 96, 128], head_dim=16),
)
