# Ours: the whole dual-teacher method, and hints of features as in datw_hints. Reads labels.
_base_ = 'full.py'

terms = dict(features=dict(type='FusedFeatures', weighting=dict(type='CAMKD'), weight=50.0))
