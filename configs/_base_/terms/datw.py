# The dual-teacher method without its other two terms.
terms = dict(kd=dict(type='FusedKD', weighting=dict(type='DATW')))
