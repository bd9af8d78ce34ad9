# 16 consecutive frames of the 20 that a word's clip has, each squashed to 64 x 64. Mouths are centred: small shifts do.
_base_ = 'views64.py'

words_augment = [
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(72, 72), keep_ratio=False),
    dict(type='RandomCrop', size=64),
    dict(type='Flip', flip_ratio=0.5),
]
train_pipeline = [
    dict(type='DecordInit'),
    dict(type='mmdualkd.SampleViews'),
    *words_augment,
    *_base_.pack,
]
stock_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=16, frame_interval=1),
    *words_augment,
    *_base_.pack,
]
val_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=16, frame_interval=1, test_mode=True),
    *_base_.val_squash,
    *_base_.pack,
]
test_pipeline = val_pipeline
