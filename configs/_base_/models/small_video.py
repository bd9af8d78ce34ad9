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
# the shape of the demo's ViT teacher, so that its weights can start this one
vit_w96 = dict(
    type='Recognizer3D',
    backbone=dict(
        type='VisionTransformer',
        img_size=48,
        patch_size=8,
        embed_dims=96,
        depth=5,
        num_heads=3,
        num_frames=8,
        tubelet_size=2,
        return_feat_map=False,
    ),
    cls_head=dict(type='TimeSformerHead', in_channels=96, num_classes=10, average_clips='prob'),
    data_preprocessor=preprocessor,
)
