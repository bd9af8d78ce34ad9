_base_ = '../students/tsm-mobilenetv2_imagenet.py'

model = dict(
    views=dict(cnn=dict(clip_len=1, num_clips=8, size=224)),
    teachers=dict(
        cnn=dict(
            config='mmaction::recognition/tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb.py',
            checkpoint='zoo',
        ),
    ),
)
