# A small 3D ResNet-18 for 48x48 clips; `base_channels` and 8 times that in the head set its size.
model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3d',
        depth=18,
        base_channels=16,
        pretrained=None,
        pretrained2d=False,
        conv1_kernel=(3, 5, 5),
        conv1_stride_t=1,
        pool1_stride_t=1,
        pool1_stride_s=1,
        with_pool2=False,
        temporal_strides=(1, 1, 2, 2),
        norm_eval=False,
        zero_init_residual=False,
    ),
    cls_head=dict(type='I3DHead', in_channels=128, num_classes=10, dropout_ratio=0.0, average_clips='prob'),
    data_preprocessor=dict(
        type='ActionDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        format_shape='NCTHW',
    ),
)
