# KD from all teachers alike, as the mean of their losses.
terms = dict(kd=dict(type='FusedKD', weighting=dict(type='Uniform'), fuse='probabilities'))
