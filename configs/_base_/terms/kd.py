# Hinton's KD, from one teacher.
terms = dict(kd=dict(type='FusedKD', weighting=dict(type='Uniform'), teachers=['vit']))
