_base_ = '../students/resnet3d18-w8.py'

model = dict(
    views=dict(cnn=dict(clip_len=16, frame_interval=4, size=64)),
    teachers=dict(cnn=dict(config=_base_.resnet3d18_w16)),
    terms=dict(kd=dict(type='FusedKD', weighting=dict(type='Uniform'))),  # one teacher: plain KD
)
