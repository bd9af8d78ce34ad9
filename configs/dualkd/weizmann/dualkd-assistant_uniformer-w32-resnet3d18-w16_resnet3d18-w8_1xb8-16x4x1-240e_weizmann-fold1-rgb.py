# Targets that DATW fuses, and an assistant of the student's and the ViT's stages, in one job.
_base_ = './dualkd_uniformer-w32-resnet3d18-w16_resnet3d18-w8_1xb8-16x4x1-240e_weizmann-fold1-rgb.py'

model = dict(
    assistant=dict(teacher='vit'),
    terms=dict(
        kd=dict(type='FusedKD', weighting=dict(type='DATW')),
        nce_ta=dict(type='InfoNCE', source='vit', target='assistant'),
        ofa_ta=dict(type='OFA', source='vit', target='assistant'),
        nce_as=dict(type='InfoNCE', source='assistant', target='student'),
        ofa_as=dict(type='OFA', source='assistant', target='student'),
    ),
)
