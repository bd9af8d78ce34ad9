# What every 224-pixel recipe does between sampling frames and packing them.
train_augment = [
    dict(type='DecordDecode'),
    # the crops of Resize(scale=(-1, 256)), RandomResizedCrop and Resize(scale=(224, 224)), resized once
    dict(type='mmdualkd.RandomCropResize', size=224, short_side=256),
    dict(type='Flip', flip_ratio=0.5),
]
val_crop224 = [dict(type='DecordDecode'), dict(type='Resize', scale=(-1, 256)), dict(type='CenterCrop', crop_size=224)]
val_crop256 = [dict(type='DecordDecode'), dict(type='Resize', scale=(-1, 256)), dict(type='CenterCrop', crop_size=256)]
pack = [dict(type='FormatShape', input_format='NCTHW'), dict(type='PackActionInputs')]
pack_segments = [dict(type='FormatShape', input_format='NCHW'), dict(type='PackActionInputs')]
