# As the model zoo trains it on Kinetics-400: from ImageNet weights, on multi-scale crops; three crops in testing.
_base_ = 'tsm-mobilenetv2.py'

model = dict(student=dict(checkpoint=None))  # the zoo's config names the ImageNet weights of its backbone

train_pipeline = [
    dict(type='mmdualkd.DecordInit', short_side=256),
    dict(type='mmdualkd.SampleViews'),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 256)),
    dict(
        type='MultiScaleCrop',
        input_size=224,
        scales=(1, 0.875, 0.75, 0.66),
        random_crop=False,
        max_wh_scale_gap=1,
        num_fixed_crops=13,
    ),
    dict(type='Resize', scale=(224, 224), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    *_base_.pack,
]
test_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=1, num_clips=8, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 256)),
    dict(type='ThreeCrop', crop_size=256),
    *_base_.pack_segments,
]
