# Every frame squashed to one square: in UT-Interaction the shape of a clip gives its class away. Crops of at least half
# of it, as `mmdualkd distill` takes them from scratch. Flips keep all labels.
train_augment = [
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(96, 96), keep_ratio=False),
    dict(type='mmdualkd.RandomCropResize', size=64, short_side=96, area_range=(0.5, 1.0)),
    dict(type='Flip', flip_ratio=0.5),
]
val_squash = [dict(type='DecordDecode'), dict(type='Resize', scale=(64, 64), keep_ratio=False)]
pack = [dict(type='FormatShape', input_format='NCTHW'), dict(type='PackActionInputs')]
