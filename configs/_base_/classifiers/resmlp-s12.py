# ResMLP-S12 of timm, which must be installed, through mmpretrain's wrapper.
resmlp_s12 = dict(
    type='TimmClassifier',
    model_name='resmlp_12_224',
    num_classes=1000,
    loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1, mode='original'),
    data_preprocessor=dict(
        type='ClsDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True
    ),
)
