# Every frame squashed to one square: in UT-Interaction the shape of a clip gives its class away. Flips keep all labels.
train_augment = [
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(72, 72), keep_ratio=False),
    dict(type='RandomCrop', size=64),
    dict(type='Flip', flip_ratio=0.5),
]
val_squash = [dict(type='DecordDecode'), dict(type='Resize', scale=(64, 64), keep_ratio=False)]
pack = [dict(type='FormatShape', input_format='NCTHW'), dict(type='PackActionInputs')]
