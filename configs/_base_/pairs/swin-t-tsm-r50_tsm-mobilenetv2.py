_base_ = '../students/tsm-mobilenetv2.py'

model = dict(
    views=dict(
        vit=dict(clip_len=32, frame_interval=2, size=224),
        cnn=dict(clip_len=1, num_clips=8, size=224),
    ),
    teachers=dict(
        vit=dict(
            config='mmaction::recognition/swin/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb.py',
            checkpoint='zoo',
        ),
        cnn=dict(
            config='mmaction::recognition/tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb.py',
            checkpoint='zoo',
        ),
    ),
)
