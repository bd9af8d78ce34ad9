# The whole dual-teacher method: the default terms of DualTeacherDistiller.
terms = dict(
    kd=dict(type='FusedKD', weighting=dict(type='DATW')),
    sdd=dict(type='SDD', vit='vit', cnn='cnn'),
    rkd=dict(type='RKD', teacher='vit'),
)
