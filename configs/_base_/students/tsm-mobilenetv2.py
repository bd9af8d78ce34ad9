_base_ = '../pipelines/views224.py'

model = dict(
    type='mmdualkd.DualTeacherDistiller',
    views=dict(student=dict(clip_len=1, num_clips=8, size=224)),
    student=dict(
        config='mmaction::recognition/tsm/tsm_imagenet-pretrained-mobilenetv2_8xb16-1x1x8-100e_kinetics400-rgb.py',
        # mmaction2's metafile does not list this checkpoint of its model zoo, so that 'zoo' would not find it
        checkpoint='https://download.openmmlab.com/mmaction/v1.0/recognition/tsm/tsm_imagenet-pretrained-mobilenetv2_8xb16-1x1x8-100e_kinetics400-rgb/tsm_imagenet-pretrained-mobilenetv2_8xb16-1x1x8-100e_kinetics400-rgb_20230414-401127fd.pth',
    ),
)

val_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=1, num_clips=8, test_mode=True),
    *_base_.val_crop224,
    *_base_.pack_segments,
]
test_pipeline = val_pipeline
