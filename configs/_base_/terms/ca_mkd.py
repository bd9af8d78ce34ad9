# Both halves of CA-MKD, with the authors' weights.
terms = dict(
    kd=dict(type='FusedKD', weighting=dict(type='CAMKD'), fuse='probabilities'),
    features=dict(type='FusedFeatures', weighting=dict(type='CAMKD'), weight=50.0),
)
