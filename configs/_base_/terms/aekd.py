# Teachers weighed so that their gradients disagree least, with the authors' tolerance.
terms = dict(kd=dict(type='FusedKD', weighting=dict(type='AEKD', tolerance=0.6), fuse='probabilities'))
