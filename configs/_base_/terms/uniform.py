# KD towards the mean of all teachers' logits.
terms = dict(kd=dict(type='FusedKD', weighting=dict(type='Uniform')))
