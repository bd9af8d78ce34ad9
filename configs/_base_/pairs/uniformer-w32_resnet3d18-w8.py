_base_ = '../students/resnet3d18-w8.py'

model = dict(
    views=dict(vit=dict(clip_len=16, frame_interval=4, size=64)),
    teachers=dict(vit=dict(config=_base_.uniformer_w32)),
    terms=dict(kd=dict(type='FusedKD', weighting=dict(type='Uniform'))),  # one teacher: plain KD
)
