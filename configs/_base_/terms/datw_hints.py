# Ours: DATW, and hints of features from both teachers, CA-MKD's feature half with its authors' weight. Reads labels.
terms = dict(
    kd=dict(type='FusedKD', weighting=dict(type='DATW')),
    features=dict(type='FusedFeatures', weighting=dict(type='CAMKD'), weight=50.0),
)
