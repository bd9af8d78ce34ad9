# Teachers weighed by their entropy, their losses added up as published.
terms = dict(kd=dict(type='FusedKD', weighting=dict(type='EBKD'), fuse='probabilities'))
