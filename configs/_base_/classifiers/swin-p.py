# Swin-P of the OFA-KD paper (https://arxiv.org/abs/2310.19444): Swin-N at width 48.
_base_ = './swin-n.py'

swin_p = dict(
    _base_.swin_n,
    backbone=dict(_base_.swin_n.backbone, arch=dict(embed_dims=48, depths=[2, 2, 2, 2], num_heads=[2, 4, 8, 16])),
    head=dict(_base_.swin_n.head, in_channels=384),
)
